//! The seccomp filters: which calls the kernel shows to the harness.
//!
//! Two of them. The first has the listener. To hand that over, the child needs one `sendmsg`, which the first filter
//! lets pass by flags that nobody else combines; the second, without a listener, closes this door behind it.

use libc::{c_int, sock_filter};

use super::calls::{self, Call, Gate, Topic};

/// The flags of the one message that passes. They mean nothing for the socket that it is sent over.
pub(super) const HANDOVER_FLAGS: c_int =
    libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT | libc::MSG_CONFIRM | libc::MSG_DONTROUTE | libc::MSG_MORE;

/// `AUDIT_ARCH_*` from linux/audit.h.
const X86_64: u32 = 0xC000_003E;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xC000_00B7;
const ARM: u32 = 0x4000_0028;
/// Set in the numbers of the x32 calls of x86-64.
const X32_BIT: u32 = 0x4000_0000;

/// The architecture that programs are made for here, that of 32-bit programs beside it, and the numbers of the calls
/// by which those could reach the network: socketcall, socket, bind, connect, sendto, sendmsg, sendmmsg,
/// `io_uring_setup`.
const ARCHITECTURES: Option<(u32, u32, &[u32])> = if cfg!(target_arch = "x86_64") {
    Some((X86_64, I386, &[102, 359, 361, 362, 369, 370, 345, 425]))
} else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
    Some((AARCH64, ARM, &[281, 282, 283, 290, 296, 374, 425]))
} else {
    None
};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) files: bool,
    /// Whether a fault may be played.
    pub(super) faults: bool,
    pub(super) network: bool,
}

impl Scope {
    fn covers(self, topic: Topic) -> bool {
        match topic {
            Topic::Files => self.files || self.faults,
            Topic::Permission => self.faults,
            Topic::Names => self.files || self.faults || self.network,
            Topic::Network => self.network,
            Topic::Objects => self.files,
        }
    }
}

/// The first filter. `None` if it is not known how to write one for this processor.
pub(super) fn listening(scope: Scope) -> Option<Vec<sock_filter>> {
    let (native, foreign, reaching) = ARCHITECTURES?;
    let mut program = Assembler::default();
    program.load(ARCHITECTURE_AT);
    // A 32-bit program's calls have other numbers: its files are left to Landlock, and it gets no socket.
    let mut foreign_part = Assembler::default();
    foreign_part.load(NUMBER_AT);
    for number in reaching.iter().filter(|_| scope.network) {
        foreign_part.on_equal(*number, &[refuse(libc::EACCES)]);
    }
    foreign_part.give(ALLOW);
    program.on_equal(foreign, &foreign_part.code);
    program.on_different(native, &[refuse(libc::ENOSYS)]);
    program.load(NUMBER_AT);
    if native == X86_64 {
        program.on_bits(X32_BIT, &[refuse(libc::ENOSYS)]);
    }
    // Its operations would pass unseen. Programs know that kernels without it exist.
    program.on_equal(number(libc::SYS_io_uring_setup), &[refuse(libc::ENOSYS)]);
    let mut calls: Vec<&Call> = calls::all().filter(|call| scope.covers(call.topic)).collect();
    calls.sort_by_key(|call| call.number);
    program.code.extend(search(&calls));
    Some(program.code)
}

/// Finds the call among these, which are in order, by halving: the kernel tries a new filter with every number there
/// is, to remember which of them always pass, and so a list would cost more than all the rest.
fn search(calls: &[&Call]) -> Vec<sock_filter> {
    let mut program = Assembler::default();
    if calls.len() <= 2 {
        for call in calls {
            program.on_equal(number(call.number), &body(call));
        }
        program.give(ALLOW);
        return program.code;
    }
    let (lower, upper) = calls.split_at(calls.len() / 2);
    let lower = search(lower);
    // The block is one jump, which reaches further than a branch can.
    let over = statement(libc::BPF_JMP | libc::BPF_JA, lower.len() as u32);
    program.jump(libc::BPF_JGE, number(upper[0].number), false, &[over]);
    program.code.extend(lower);
    program.code.extend(search(upper));
    program.code
}

/// The second filter.
pub(super) fn seal() -> Vec<sock_filter> {
    let mut program = Assembler::default();
    program.load(NUMBER_AT);
    let mut door = Assembler::default();
    door.load(low(2));
    door.on_equal(HANDOVER_FLAGS.cast_unsigned(), &[refuse(libc::EINVAL)]);
    door.give(ALLOW);
    program.on_equal(number(libc::SYS_sendmsg), &door.code);
    program.give(ALLOW);
    program.code
}

/// What becomes of one call.
fn body(call: &Call) -> Vec<sock_filter> {
    let mut program = Assembler::default();
    if call.number == libc::SYS_sendmsg {
        program.load(low(2));
        program.on_equal(HANDOVER_FLAGS.cast_unsigned(), &[give(ALLOW)]);
    }
    match call.gate {
        Gate::Always => program.give(NOTIFY),
        Gate::Bits(argument, mask) => {
            program.load(low(argument));
            program.on_bits(mask, &[give(NOTIFY)]);
            program.give(ALLOW);
        }
        Gate::Set(argument) => {
            for half in [low(argument), low(argument) + 4] {
                program.load(half);
                program.on_different(0, &[give(NOTIFY)]);
            }
            program.give(ALLOW);
        }
        Gate::NoneOf(argument, values) => {
            program.load(low(argument));
            for value in values {
                program.on_equal(*value, &[give(ALLOW)]);
            }
            program.give(NOTIFY);
        }
    }
    program.code
}

/// Offsets in `seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

/// The lower half of an argument, on a little-endian processor.
fn low(argument: usize) -> u32 {
    ARGUMENTS_AT + 8 * argument as u32
}

fn number(call: libc::c_long) -> u32 {
    call as u32
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const NOTIFY: u32 = libc::SECCOMP_RET_USER_NOTIF;

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn give(answer: u32) -> sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, answer)
}

fn refuse(errno: c_int) -> sock_filter {
    give(libc::SECCOMP_RET_ERRNO | errno.cast_unsigned())
}

/// Writes a program from front to back. Every block ends in an answer, so no branch goes further than over one block.
#[derive(Debug, Default)]
struct Assembler {
    code: Vec<sock_filter>,
}

impl Assembler {
    fn load(&mut self, offset: u32) {
        self.code.push(statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset));
    }

    fn give(&mut self, answer: u32) {
        self.code.push(give(answer));
    }

    fn jump(&mut self, test: u32, k: u32, unless: bool, block: &[sock_filter]) {
        let over = u8::try_from(block.len()).expect("a block is shorter than a jump");
        let (jt, jf) = if unless { (over, 0) } else { (0, over) };
        self.code.push(sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt, jf, k });
        self.code.extend_from_slice(block);
    }

    fn on_equal(&mut self, value: u32, block: &[sock_filter]) {
        self.jump(libc::BPF_JEQ, value, false, block);
    }

    fn on_different(&mut self, value: u32, block: &[sock_filter]) {
        self.jump(libc::BPF_JEQ, value, true, block);
    }

    fn on_bits(&mut self, mask: u32, block: &[sock_filter]) {
        self.jump(libc::BPF_JSET, mask, false, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ALL: Scope = Scope { files: true, faults: true, network: true };
    const FILES: Scope = Scope { files: true, faults: false, network: false };

    /// What the kernel would make of a call.
    fn run(program: &[sock_filter], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = vec![number, architecture, 0, 0];
        data.extend(arguments.iter().flat_map(|a| [*a as u32, (*a >> 32) as u32]));
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let step = program[at];
            at += 1;
            match u32::from(step.code) & 0x07 {
                libc::BPF_LD => accumulator = data[step.k as usize / 4],
                libc::BPF_RET => return step.k,
                _ if u32::from(step.code) & 0xF0 == libc::BPF_JA => at += step.k as usize,
                _ => {
                    let holds = match u32::from(step.code) & 0xF0 {
                        libc::BPF_JEQ => accumulator == step.k,
                        libc::BPF_JGE => accumulator >= step.k,
                        _ => accumulator & step.k != 0,
                    };
                    at += usize::from(if holds { step.jt } else { step.jf });
                }
            }
        }
    }

    fn native(scope: Scope, call: libc::c_long, arguments: [u64; 6]) -> u32 {
        let program = listening(scope).expect("a known processor");
        run(&program, ARCHITECTURES.expect("a known processor").0, number(call), arguments)
    }

    const NONE: [u64; 6] = [0; 6];

    #[rstest]
    #[case::reading(FILES, libc::SYS_openat, [0, 1, 0, 0, 0, 0], ALLOW)]
    #[case::writing(FILES, libc::SYS_openat, [0, 1, libc::O_WRONLY as u64, 0, 0, 0], NOTIFY)]
    #[case::creating(FILES, libc::SYS_openat, [0, 1, libc::O_CREAT as u64, 0, 0, 0], NOTIFY)]
    #[case::folder(FILES, libc::SYS_mkdirat, NONE, NOTIFY)]
    #[case::may_one_write(FILES, libc::SYS_faccessat, [0, 1, 2, 0, 0, 0], ALLOW)]
    #[case::may_one_write_with_faults(ALL, libc::SYS_faccessat, [0, 1, 2, 0, 0, 0], NOTIFY)]
    #[case::connecting_where_files_matter(FILES, libc::SYS_connect, NONE, ALLOW)]
    #[case::connecting(ALL, libc::SYS_connect, NONE, NOTIFY)]
    #[case::sending_without_address(ALL, libc::SYS_sendto, NONE, ALLOW)]
    #[case::sending_to_a_low_address(ALL, libc::SYS_sendto, [0, 0, 0, 0, 1, 0], NOTIFY)]
    #[case::sending_to_a_high_address(ALL, libc::SYS_sendto, [0, 0, 0, 0, 1 << 40, 0], NOTIFY)]
    #[case::message(ALL, libc::SYS_sendmsg, NONE, NOTIFY)]
    #[case::socket(ALL, libc::SYS_socket, [libc::AF_INET as u64, 0, 0, 0, 0, 0], ALLOW)]
    #[case::packet_socket(ALL, libc::SYS_socket, [libc::AF_PACKET as u64, 0, 0, 0, 0, 0], NOTIFY)]
    #[case::reads(ALL, libc::SYS_read, NONE, ALLOW)]
    #[case::ring(FILES, libc::SYS_io_uring_setup, NONE, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32)]
    fn who_is_shown(
        #[case] scope: Scope,
        #[case] call: libc::c_long,
        #[case] arguments: [u64; 6],
        #[case] answer: u32,
    ) {
        assert_eq!(native(scope, call, arguments), answer);
    }

    #[test]
    fn every_call_of_the_table_is_found_and_no_other() {
        for number in 0..600 {
            // Arguments with which every gate is open.
            let answer = native(ALL, number, [u64::MAX >> 32; 6]);
            match calls::find(number) {
                Some(call) => assert_eq!(answer, NOTIFY, "{}", call.name),
                None if number == libc::SYS_io_uring_setup => assert_eq!(answer & 0xFFFF_0000, libc::SECCOMP_RET_ERRNO),
                None => assert_eq!(answer, ALLOW, "{number}"),
            }
        }
    }

    #[test]
    fn the_handover_passes_once() {
        let handover = [3, 4, u64::from(HANDOVER_FLAGS.cast_unsigned()), 0, 0, 0];
        assert_eq!(native(ALL, libc::SYS_sendmsg, handover), ALLOW);
        let number = number(libc::SYS_sendmsg);
        let refused = libc::SECCOMP_RET_ERRNO | libc::EINVAL.cast_unsigned();
        assert_eq!(run(&seal(), 0, number, handover), refused);
        assert_eq!(run(&seal(), 0, number, NONE), ALLOW);
    }

    #[test]
    fn other_architectures_have_no_network() {
        let program = listening(ALL).expect("a known processor");
        let (_, foreign, reaching) = ARCHITECTURES.expect("a known processor");
        let refused = libc::SECCOMP_RET_ERRNO | libc::EACCES.cast_unsigned();
        assert_eq!(run(&program, foreign, reaching[0], NONE), refused);
        assert_eq!(run(&program, foreign, 4, NONE), ALLOW);
        let without = listening(FILES).expect("a known processor");
        assert_eq!(run(&without, foreign, reaching[0], NONE), ALLOW);
        let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
        assert_eq!(run(&program, 0x1234, 4, NONE), unknown);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn calls_by_their_x32_number_do_not_exist() {
        let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
        assert_eq!(native(FILES, libc::SYS_read | 0x4000_0000, NONE), unknown);
    }
}
