//! The seccomp filter: which calls the kernel shows to the harness.
//!
//! To hand the listener over, the child needs one `sendmsg`, which the filter lets pass by numbers that the harness has drawn
//! for this run. What the child executes has another memory and cannot know them. (A second filter that closes the door would
//! cost as much as the first: the kernel tries each with every call there is.)

use std::sync::{Mutex, PoisonError};

use libc::{c_int, sock_filter};

use super::calls::{self, Call, Gate, Topic};
use super::table::{self, Known, Verdict};

/// Numbers that nobody else knows, in the arguments of `sendmsg` that mean nothing.
pub(super) type Secret = [u64; 3];
/// The first of those arguments.
const SECRET_AT: usize = 3;

/// `AUDIT_ARCH_*` from linux/audit.h.
const X86_64: u32 = 0xC000_003E;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xC000_00B7;
const ARM: u32 = 0x4000_0028;
/// Set in the numbers of the x32 calls of x86-64.
const X32_BIT: u32 = 0x4000_0000;

/// The architecture that programs are made for here, that of 32-bit programs beside it, and the numbers of the calls
/// by which those end: exit, `exit_group`, and both ways back from a signal.
const ARCHITECTURES: Option<(u32, u32, &[u32])> = if cfg!(target_arch = "x86_64") {
    Some((X86_64, I386, &[1, 252, 119, 173]))
} else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
    Some((AARCH64, ARM, &[1, 248, 119, 173]))
} else {
    None
};

/// Whether a call was made by the numbers of programs for this machine.
pub(super) fn is_native(architecture: u32) -> bool {
    ARCHITECTURES.is_some_and(|(native, _, _)| architecture == native)
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) files: bool,
    /// Whether a fault may be played.
    pub(super) faults: bool,
    pub(super) network: bool,
}

impl Scope {
    /// Whether the program is held to anything, and not only given faults.
    fn contains(self) -> bool {
        self.files || self.network
    }

    fn covers(self, topic: Topic) -> bool {
        match topic {
            Topic::System => self.contains(),
            Topic::Files => self.files || self.faults,
            Topic::Permission => self.faults,
            Topic::Names => self.files || self.faults || self.network,
            Topic::Network => self.network,
            Topic::Objects => self.files,
        }
    }
}

/// What becomes of the calls from one number on, up to that of the next step.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Allow,
    Refuse(c_int),
    /// The harness is asked, whatever the arguments are.
    Ask,
    /// The harness is asked, if the arguments say so.
    Judge(&'static Call),
}

impl Fate {
    fn of(number: u32, scope: Scope) -> Self {
        let known = table::find(number);
        match known.map(|known| known.verdict) {
            Some(Verdict::Judged) => match calls::find(number.into()).filter(|call| scope.covers(call.topic)) {
                Some(call) => Fate::Judge(call),
                None => Fate::Allow,
            },
            // Its operations would pass unseen, faults among them.
            Some(Verdict::Refused { errno, told: false, .. }) if scope.contains() || errno == libc::ENOSYS => {
                Fate::Refuse(errno)
            }
            Some(Verdict::Refused { told: true, .. }) if scope.contains() => Fate::Ask,
            None if scope.contains() => Fate::Refuse(libc::ENOSYS),
            _ => Fate::Allow,
        }
    }

    /// Whether the same is done, whatever the number.
    fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Fate::Allow, Fate::Allow) | (Fate::Ask, Fate::Ask) => true,
            (Fate::Refuse(one), Fate::Refuse(other)) => one == other,
            _ => false,
        }
    }

    fn body(self, secret: Secret) -> Vec<sock_filter> {
        match self {
            Fate::Allow => vec![give(ALLOW)],
            Fate::Refuse(errno) => vec![refuse(errno)],
            Fate::Ask => vec![give(NOTIFY)],
            Fate::Judge(call) => body(call, secret),
        }
    }
}

/// A filter for any secret: where its halves stand in it, in their order.
struct Template {
    scope: Scope,
    code: Vec<sock_filter>,
    places: Vec<usize>,
}

/// The filter. `None` if it is not known how to write one for this processor. It is written once for each scope.
pub(super) fn listening(scope: Scope, secret: Secret) -> Option<Vec<sock_filter>> {
    static KNOWN: Mutex<Vec<Template>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let at = match known.iter().position(|template| template.scope == scope) {
        Some(at) => at,
        None => {
            let (code, other) = (write(scope, [0; 3])?, write(scope, [u64::MAX; 3])?);
            let places = (0..code.len()).filter(|at| code[*at].k != other[*at].k).collect();
            known.push(Template { scope, code, places });
            known.len() - 1
        }
    };
    let mut code = known[at].code.clone();
    let halves = secret.iter().flat_map(|number| [*number as u32, (number >> 32) as u32]);
    for (place, half) in known[at].places.iter().zip(halves) {
        code[*place].k = half;
    }
    Some(code)
}

fn write(scope: Scope, secret: Secret) -> Option<Vec<sock_filter>> {
    let (native, foreign, ending) = ARCHITECTURES?;
    let mut program = Assembler::default();
    program.load(ARCHITECTURE_AT);
    // A 32-bit program's calls have other numbers, and none of them is judged: it can only end.
    let mut foreign_part = Assembler::default();
    if scope.contains() {
        foreign_part.load(NUMBER_AT);
        for number in ending {
            foreign_part.on_equal(*number, &[give(ALLOW)]);
        }
        foreign_part.give(NOTIFY);
    } else {
        foreign_part.give(ALLOW);
    }
    program.on_equal(foreign, &foreign_part.code);
    program.on_different(native, &[refuse(libc::ENOSYS)]);
    program.load(NUMBER_AT);
    if native == X86_64 {
        program.on_bits(X32_BIT, &[refuse(libc::ENOSYS)]);
    }
    let mut steps: Vec<(u32, Fate)> = Vec::new();
    let last = table::TABLE.iter().filter_map(Known::number).max().unwrap_or_default();
    for number in 0..=last + 1 {
        let fate = Fate::of(number, scope);
        if !steps.last().is_some_and(|(_, before)| before.is_like(fate)) {
            steps.push((number, fate));
        }
    }
    program.code.extend(search(&steps, secret));
    Some(program.code)
}

/// Finds the step of a call among these, which are in order, by halving: the kernel tries a new filter with every number
/// there is, to remember which of them always pass, and so a list would cost more than all the rest.
fn search(steps: &[(u32, Fate)], secret: Secret) -> Vec<sock_filter> {
    if let [(_, fate)] = steps {
        return fate.body(secret);
    }
    let mut program = Assembler::default();
    let (lower, upper) = steps.split_at(steps.len() / 2);
    let lower = search(lower, secret);
    // The block is one jump, which reaches further than a branch can.
    let over = statement(libc::BPF_JMP | libc::BPF_JA, lower.len() as u32);
    program.jump(libc::BPF_JGE, upper[0].0, false, &[over]);
    program.code.extend(lower);
    program.code.extend(search(upper, secret));
    program.code
}

/// What becomes of one call.
fn body(call: &Call, secret: Secret) -> Vec<sock_filter> {
    let mut program = Assembler::default();
    if call.number == libc::SYS_sendmsg {
        for (number, argument) in secret.iter().zip(SECRET_AT..) {
            for (half, at) in [(*number as u32, 0), ((number >> 32) as u32, 4)] {
                program.load(low(argument) + at);
                program.on_different(half, &[give(NOTIFY)]);
            }
        }
        program.give(ALLOW);
        return program.code;
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
        Gate::Request => {
            program.load(low(1));
            for request in calls::TERMINAL_REQUESTS {
                program.on_equal(*request, &[give(NOTIFY)]);
            }
            for request in calls::USUAL_REQUESTS {
                program.on_equal(*request, &[give(ALLOW)]);
            }
            program.code.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, calls::REQUEST_KIND));
            for kind in calls::USUAL_KINDS {
                program.on_equal(*kind, &[give(ALLOW)]);
            }
            program.give(NOTIFY);
        }
        Gate::Socket => {
            for (family, kinds, protocols) in calls::USUAL_SOCKETS {
                let mut usual = Assembler::default();
                usual.load(low(1));
                usual.code.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, calls::SOCKET_KIND));
                for kind in *kinds {
                    let mut of_kind = Assembler::default();
                    of_kind.load(low(2));
                    for protocol in *protocols {
                        of_kind.on_equal(*protocol, &[give(ALLOW)]);
                    }
                    of_kind.give(NOTIFY);
                    usual.on_equal(*kind, &of_kind.code);
                }
                usual.give(NOTIFY);
                program.load(low(0));
                program.on_equal(*family, &usual.code);
            }
            program.give(NOTIFY);
        }
        Gate::SocketOption => {
            for (level, options) in calls::USUAL_OPTIONS {
                let mut of_level = Assembler::default();
                of_level.load(low(2));
                for option in *options {
                    of_level.on_equal(*option, &[give(ALLOW)]);
                }
                of_level.give(NOTIFY);
                program.load(low(1));
                program.on_equal(*level, &of_level.code);
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
    const SECRET: Secret = [7, u64::MAX - 1, 1 << 40];
    const FILES: Scope = Scope { files: true, faults: false, network: false };

    fn number(call: libc::c_long) -> u32 {
        call as u32
    }

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
                libc::BPF_ALU => accumulator &= step.k,
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
        let program = listening(scope, SECRET).expect("a known processor");
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
    #[case::stream(ALL, libc::SYS_socket, [libc::AF_INET as u64, 1, 0, 0, 0, 0], NOTIFY)]
    #[case::datagram(ALL, libc::SYS_socket, [libc::AF_INET6 as u64, 2 | libc::SOCK_CLOEXEC as u64, 17, 0, 0, 0], NOTIFY)]
    #[case::local(ALL, libc::SYS_socket, [libc::AF_UNIX as u64, 1 | libc::SOCK_CLOEXEC as u64, 0, 0, 0, 0], ALLOW)]
    #[case::raw(ALL, libc::SYS_socket, [libc::AF_INET as u64, 3, 6, 0, 0, 0], NOTIFY)]
    #[case::routes(ALL, libc::SYS_socket, [libc::AF_NETLINK as u64, 3, 0, 0, 0, 0], ALLOW)]
    #[case::generic_netlink(ALL, libc::SYS_socket, [libc::AF_NETLINK as u64, 3, 16, 0, 0, 0], NOTIFY)]
    #[case::reuse(ALL, libc::SYS_setsockopt, [0, 1, 2, 0, 0, 0], ALLOW)]
    #[case::source_route(ALL, libc::SYS_setsockopt, [0, 0, 4, 0, 0, 0], NOTIFY)]
    #[case::device(ALL, libc::SYS_setsockopt, [0, 1, 25, 0, 0, 0], NOTIFY)]
    #[case::attributes(FILES, libc::SYS_ioctl, [0, 0x4008_6602, 0, 0, 0, 0], NOTIFY)]
    #[case::verity(FILES, libc::SYS_ioctl, [0, 0x4080_6685, 0, 0, 0, 0], NOTIFY)]
    #[case::encryption(FILES, libc::SYS_ioctl, [0, 0x800C_6613, 0, 0, 0, 0], NOTIFY)]
    #[case::subvolume(FILES, libc::SYS_ioctl, [0, 0x5000_940E, 0, 0, 0, 0], NOTIFY)]
    #[case::clone_of_a_file(FILES, libc::SYS_ioctl, [0, 0x4004_9409, 0, 0, 0, 0], ALLOW)]
    #[case::attributes_read(FILES, libc::SYS_ioctl, [0, 0x8008_6601, 0, 0, 0, 0], ALLOW)]
    #[case::device_of_a_socket(FILES, libc::SYS_ioctl, [0, 0x8933, 0, 0, 0, 0], ALLOW)]
    #[case::listening(ALL, libc::SYS_listen, NONE, NOTIFY)]
    #[case::terminal_input(FILES, libc::SYS_ioctl, [0, libc::TIOCSTI, 0, 0, 0, 0], NOTIFY)]
    #[case::terminal_size(FILES, libc::SYS_ioctl, [0, libc::TIOCGWINSZ, 0, 0, 0, 0], ALLOW)]
    #[case::mount(FILES, libc::SYS_mount, NONE, NOTIFY)]
    #[case::own_limit(FILES, libc::SYS_prlimit64, [0, 7, 0, 1, 0, 0], ALLOW)]
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
    fn every_number_meets_the_fate_that_the_table_says() {
        for number in 0..1024 {
            // Arguments with which every gate is open.
            let answer = native(ALL, number, [u64::MAX >> 32; 6]);
            let expected = match table::find(u32::try_from(number).expect("a number")).map(|known| known.verdict) {
                Some(Verdict::Allowed) => ALLOW,
                Some(Verdict::Judged | Verdict::Refused { told: true, .. }) => NOTIFY,
                Some(Verdict::Refused { errno, .. }) => libc::SECCOMP_RET_ERRNO | errno.cast_unsigned(),
                None => libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned(),
            };
            assert_eq!(answer, expected, "{number}");
        }
    }

    #[test]
    fn judged_are_the_calls_that_there_is_a_judgement_for() {
        for known in table::TABLE {
            let Some(number) = known.number() else { continue };
            let call = calls::find(number.into());
            assert_eq!(call.is_some(), known.verdict == Verdict::Judged, "{}", known.name);
            assert!(call.is_none_or(|call| call.name == known.name), "{}", known.name);
        }
        assert!(calls::all().all(|call| table::find(number(call.number)).is_some()));
    }

    #[test]
    fn faults_alone_refuse_nothing_else() {
        let faults = Scope { files: false, faults: true, network: false };
        assert_eq!(native(faults, libc::SYS_mount, NONE), ALLOW);
        assert_eq!(native(faults, 600, NONE), ALLOW);
        assert_eq!(native(faults, libc::SYS_openat, [0, 1, libc::O_CREAT as u64, 0, 0, 0]), NOTIFY);
    }

    #[test]
    fn the_handover_passes_by_all_of_the_secret() {
        let [first, second, third] = SECRET;
        assert_eq!(native(ALL, libc::SYS_sendmsg, [3, 4, 0, first, second, third]), ALLOW);
        for wrong in
            [[first ^ 1, second, third], [first, second ^ 1 << 63, third], [first, second, third ^ 1 << 32], [0, 0, 0]]
        {
            assert_eq!(native(ALL, libc::SYS_sendmsg, [3, 4, 0, wrong[0], wrong[1], wrong[2]]), NOTIFY);
        }
    }

    #[test]
    fn a_filter_is_the_same_as_when_it_is_written_anew() {
        for scope in [ALL, FILES, Scope { files: false, faults: false, network: true }] {
            for secret in [SECRET, [1, 2, 3], [u64::MAX; 3]] {
                let all = |code: Vec<sock_filter>| code.iter().map(|s| (s.code, s.jt, s.jf, s.k)).collect::<Vec<_>>();
                assert_eq!(listening(scope, secret).map(all), write(scope, secret).map(all));
            }
        }
    }

    #[test]
    fn programs_of_other_architectures_can_only_end() {
        let program = listening(ALL, SECRET).expect("a known processor");
        let (_, foreign, ending) = ARCHITECTURES.expect("a known processor");
        assert_eq!(run(&program, foreign, ending[0], NONE), ALLOW);
        for number in [3, 4, 5, 102, 400, 1000] {
            assert_eq!(run(&program, foreign, number, NONE), NOTIFY);
        }
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
