//! The system calls that a sandbox looks at, and what each of them asks for.

use libc::c_long;

use super::objects::Kind;

/// How the last part of a path is taken if it is a symbolic link.
#[derive(Debug, Clone, Copy)]
pub(super) enum Follow {
    Always,
    Never,
    /// Followed unless this argument has this flag.
    Unless(usize, libc::c_int),
    /// Followed if this argument has this flag.
    If(usize, libc::c_int),
}

/// Where a call names a file: by the arguments with these numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The descriptor that a relative path begins at, or the file itself if there is no path.
    pub(super) dir: Option<usize>,
    pub(super) path: Option<usize>,
    pub(super) follow: Follow,
}

/// What a call does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// A new entry, where there is none.
    Create,
    /// A new entry, whatever is there.
    Replace,
    /// An entry goes away.
    Remove,
    /// An existing file gets another name.
    Link,
    /// Another mode, owner, time or attribute.
    Change,
    /// Another length.
    Truncate,
}

/// Where the flags of an open are.
#[derive(Debug, Clone, Copy)]
pub(super) enum OpenFlags {
    Argument(usize),
    /// Behind a pointer to an `open_how`.
    How(usize),
    /// Those of `creat`.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "other architectures have no such call"))]
    Creat,
}

/// What a call asks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    Open(Place, OpenFlags),
    Files(&'static [(Effect, Place)]),
    /// Whether one may write.
    Access(Place),
    Socket,
    Connect,
    Bind,
    /// A socket gets a queue of connections, by its descriptor.
    Listen,
    SendTo,
    SendMessage,
    SendMessages,
    /// The number of an object of System V, which is made if need be.
    Get(Kind),
    /// An object with a number, and where its command is if there is one.
    Use(Kind, Option<usize>),
    /// A message queue, by its name.
    Queue,
    SocketOption,
    /// A request to a device or a file system, by the descriptor and the number in these arguments.
    Request,
    /// Something is changed about a process: the argument with its number, and how to read that.
    Process(usize, Whom),
}

/// What a number of a process stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// A process or a thread; 0 is the caller.
    One,
    /// As the argument before it says: see `setpriority(2)`.
    ByPriority,
    /// As the argument before it says: see `ioprio_set(2)`.
    ByIoPriority,
}

/// Which calls of a number are looked at; the others pass inside the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gate {
    Always,
    /// The argument has one of these bits.
    Bits(usize, u32),
    /// The argument is not null.
    Set(usize),
    /// A request to a descriptor that is none of [`USUAL_REQUESTS`].
    Request,
    /// A socket that is none of [`USUAL_SOCKETS`].
    Socket,
    /// An option that is none of [`USUAL_OPTIONS`].
    SocketOption,
}

/// What a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Files,
    /// Asking whether one may write, which matters only if a fault is played.
    Permission,
    /// Both: a socket's name is an address or a file.
    Names,
    Network,
    /// What is in no directory.
    Objects,
    /// Other processes, terminals, and the whole system.
    System,
}

/// A call that is looked at.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) number: c_long,
    pub(super) topic: Topic,
    pub(super) gate: Gate,
    pub(super) ask: Ask,
}

const fn at(dir: usize, path: usize, follow: Follow) -> Place {
    Place { dir: Some(dir), path: Some(path), follow }
}

const fn named(path: usize, follow: Follow) -> Place {
    Place { dir: None, path: Some(path), follow }
}

const fn opened(descriptor: usize) -> Place {
    Place { dir: Some(descriptor), path: None, follow: Follow::Always }
}

const fn files(name: &'static str, number: c_long, places: &'static [(Effect, Place)]) -> Call {
    Call { name, number, topic: Topic::Files, gate: Gate::Always, ask: Ask::Files(places) }
}

const fn open(name: &'static str, number: c_long, gate: Gate, place: Place, flags: OpenFlags) -> Call {
    Call { name, number, topic: Topic::Files, gate, ask: Ask::Open(place, flags) }
}

const fn access(name: &'static str, number: c_long, place: Place, mode: usize) -> Call {
    let gate = Gate::Bits(mode, libc::W_OK as u32);
    Call { name, number, topic: Topic::Permission, gate, ask: Ask::Access(place) }
}

const fn object(name: &'static str, number: c_long, ask: Ask) -> Call {
    Call { name, number, topic: Topic::Objects, gate: Gate::Always, ask }
}

const fn network(name: &'static str, number: c_long, gate: Gate, ask: Ask) -> Call {
    Call { name, number, topic: Topic::Network, gate, ask }
}

const fn system(name: &'static str, number: c_long, gate: Gate, ask: Ask) -> Call {
    Call { name, number, topic: Topic::System, gate, ask }
}

/// Flags with which an open may change something. `O_TMPFILE` comes only with one of them.
const WRITING: u32 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u32;
/// The part of a socket's type that is no flag.
pub(super) const SOCKET_KIND: u32 = 0xF;
const STREAM: u32 = libc::SOCK_STREAM as u32;
const DATAGRAM: u32 = libc::SOCK_DGRAM as u32;
const RAW: u32 = libc::SOCK_RAW as u32;
const SEQUENCED: u32 = libc::SOCK_SEQPACKET as u32;
/// Whatever the caller says, TCP and UDP.
pub(super) const INTERNET: &[u32] = &[0, libc::IPPROTO_TCP as u32, libc::IPPROTO_UDP as u32];
/// Sockets that cannot leave the machine: family, kinds, protocols. `NETLINK_ROUTE` is how programs learn of the machine's
/// addresses, and `NETLINK_SOCK_DIAG` of its sockets.
pub(super) const USUAL_SOCKETS: &[(u32, &[u32], &[u32])] = &[
    (libc::AF_UNIX as u32, &[STREAM, DATAGRAM, RAW, SEQUENCED], &[0, 1]),
    (libc::AF_NETLINK as u32, &[RAW, DATAGRAM], &[libc::NETLINK_ROUTE as u32, libc::NETLINK_SOCK_DIAG as u32]),
];
/// Options of sockets that change nothing about where a packet goes: level, options. Numbers of `include/uapi/linux/in.h`,
/// `in6.h`, `tcp.h`, `udp.h` and `asm-generic/socket.h` of Linux 6.18.
pub(super) const USUAL_OPTIONS: &[(u32, &[u32])] = &[
    // SOL_SOCKET: all up to SO_BUF_LOCK but SO_BINDTODEVICE (25), SO_MARK (36), SO_BINDTOIFINDEX (62).
    (
        1,
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 26, 27, 28, 29, 30, 32, 33, 34,
            35, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 63,
            64, 65, 66, 67, 68, 69, 70, 71, 72,
        ],
    ),
    // IP: type of service, time to live, what is received beside the data, errors, path MTU, ports.
    (0, &[1, 2, 6, 8, 10, 11, 12, 13, 14, 15, 18, 20, 23, 24, 25, 26, 33, 34, 49, 51]),
    // IPv6: the same.
    (41, &[16, 18, 19, 23, 24, 25, 26, 29, 31, 49, 51, 56, 58, 60, 61, 62, 66, 67, 70, 72, 74, 77, 78]),
    // TCP: all but TCP_REPAIR (19) and what belongs to it.
    (
        6,
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 23, 24, 25, 26, 27, 28, 30, 31, 33, 34, 35, 36,
            37,
        ],
    ),
    // UDP: corking and segments.
    (17, &[1, 103, 104]),
    // Netlink: groups and answers.
    (270, &[1, 2, 3, 4, 5, 8, 9, 10, 11, 12]),
];

/// Whose facts a request to a file system changes.
pub(super) const REQUESTED: &[(Effect, Place)] = &[(Change, opened(0))];
/// Requests that act on a terminal for whoever else uses it: input in another's name, the selection and screens of a console,
/// its output elsewhere, another line discipline, hanging up, packets as modem lines.
pub(super) const TERMINAL_REQUESTS: &[u32] =
    &[libc::TIOCSTI as u32, libc::TIOCLINUX as u32, libc::TIOCCONS as u32, libc::TIOCSETD as u32, 0x5437];
/// The kind of a request, in the second byte of its number: `asm-generic/ioctl.h`.
pub(super) const REQUEST_KIND: u32 = 0xFF00;
/// Kinds of requests that no file on a disk takes: to terminals (and every descriptor's own flags), to sockets, to
/// listeners of seccomp, and to namespaces.
pub(super) const USUAL_KINDS: &[u32] = &[0x5400, 0x8900, 0x2100, 0xB700];
/// Requests to files that only read, or whose effect needs a file that was opened for writing. All others are judged:
/// each file system has its own, and many change an entry by a descriptor that may only read, which Landlock does not see
/// (`BTRFS_IOC_SUBVOL_CREATE`, `FS_IOC_ENABLE_VERITY`, `FS_IOC_SETFLAGS`, `FAT_IOCTL_SET_ATTRIBUTES`). The direction in the
/// number says nothing: `FS_IOC_SET_ENCRYPTION_POLICY` has that of reading. Numbers of `include/uapi/linux/fs.h`,
/// `fscrypt.h`, `fsverity.h`, `btrfs.h`, `f2fs.h` and `msdos_fs.h` of Linux 6.18.
pub(super) const USUAL_REQUESTS: &[u32] = &[
    // FIGETBSZ, FICLONE, FICLONERANGE, FIDEDUPERANGE, FS_IOC_FIEMAP.
    0x0002,
    0x4004_9409,
    0x4020_940D,
    0xC018_9436,
    0xC020_660B,
    // FS_IOC_GETFLAGS and FS_IOC_GETVERSION in both sizes, FS_IOC_FSGETXATTR, FS_IOC_GETFSLABEL, FS_IOC_GETFSUUID.
    0x8008_6601,
    0x8004_6601,
    0x8008_7601,
    0x8004_7601,
    0x801C_581F,
    0x8100_9431,
    0x8011_1500,
    // FS_IOC_MEASURE_VERITY, FS_IOC_GET_ENCRYPTION_POLICY and its longer form.
    0xC004_6686,
    0x400C_6615,
    0xC009_6616,
    // BTRFS_IOC_INO_LOOKUP, _SUBVOL_GETFLAGS, _FS_INFO, _GET_SUBVOL_INFO, _GET_SUBVOL_ROOTREF, _INO_LOOKUP_USER.
    0xD000_9412,
    0x8008_9419,
    0x8400_941F,
    0x81F8_943C,
    0xD000_943D,
    0xD000_943E,
    // F2FS_IOC_GET_FEATURES, which SQLite asks for, and FAT_IOCTL_GET_ATTRIBUTES.
    0x8004_F50C,
    0x8004_7210,
];
const NOFOLLOW: libc::c_int = libc::AT_SYMLINK_NOFOLLOW;
/// See `fchmodat2(2)`, `setxattrat(2)` and `removexattrat(2)`: numbers that are the same on every architecture.
pub(super) const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
pub(super) const FILE_SETATTR: c_long = 469;

use Effect::{Change, Create, Link, Remove, Replace, Truncate};
use Follow::{Always, If, Never, Unless};

/// What all 64-bit architectures have.
pub(super) const COMMON: &[Call] = &[
    open("openat", libc::SYS_openat, Gate::Bits(2, WRITING), at(0, 1, Always), OpenFlags::Argument(2)),
    open("openat2", libc::SYS_openat2, Gate::Always, at(0, 1, Always), OpenFlags::How(2)),
    files("mkdirat", libc::SYS_mkdirat, &[(Create, at(0, 1, Never))]),
    files("mknodat", libc::SYS_mknodat, &[(Create, at(0, 1, Never))]),
    files("symlinkat", libc::SYS_symlinkat, &[(Create, at(1, 2, Never))]),
    files("linkat", libc::SYS_linkat, &[(Link, at(0, 1, If(4, libc::AT_SYMLINK_FOLLOW))), (Create, at(2, 3, Never))]),
    files("unlinkat", libc::SYS_unlinkat, &[(Remove, at(0, 1, Never))]),
    files("renameat2", libc::SYS_renameat2, &[(Remove, at(0, 1, Never)), (Replace, at(2, 3, Never))]),
    files("truncate", libc::SYS_truncate, &[(Truncate, named(0, Always))]),
    files("fchmod", libc::SYS_fchmod, &[(Change, opened(0))]),
    files("fchmodat", libc::SYS_fchmodat, &[(Change, at(0, 1, Always))]),
    files("fchmodat2", FCHMODAT2, &[(Change, at(0, 1, Unless(3, NOFOLLOW)))]),
    files("fchown", libc::SYS_fchown, &[(Change, opened(0))]),
    files("fchownat", libc::SYS_fchownat, &[(Change, at(0, 1, Unless(4, NOFOLLOW)))]),
    files("utimensat", libc::SYS_utimensat, &[(Change, at(0, 1, Unless(3, NOFOLLOW)))]),
    files("setxattr", libc::SYS_setxattr, &[(Change, named(0, Always))]),
    files("lsetxattr", libc::SYS_lsetxattr, &[(Change, named(0, Never))]),
    files("fsetxattr", libc::SYS_fsetxattr, &[(Change, opened(0))]),
    files("setxattrat", SETXATTRAT, &[(Change, at(0, 1, Unless(2, NOFOLLOW)))]),
    files("removexattr", libc::SYS_removexattr, &[(Change, named(0, Always))]),
    files("lremovexattr", libc::SYS_lremovexattr, &[(Change, named(0, Never))]),
    files("fremovexattr", libc::SYS_fremovexattr, &[(Change, opened(0))]),
    files("removexattrat", REMOVEXATTRAT, &[(Change, at(0, 1, Unless(2, NOFOLLOW)))]),
    files("file_setattr", FILE_SETATTR, &[(Change, at(0, 1, Unless(4, NOFOLLOW)))]),
    access("faccessat", libc::SYS_faccessat, at(0, 1, Always), 2),
    access("faccessat2", libc::SYS_faccessat2, at(0, 1, Unless(3, NOFOLLOW)), 2),
    Call { name: "bind", number: libc::SYS_bind, topic: Topic::Names, gate: Gate::Always, ask: Ask::Bind },
    network("socket", libc::SYS_socket, Gate::Socket, Ask::Socket),
    network("setsockopt", libc::SYS_setsockopt, Gate::SocketOption, Ask::SocketOption),
    network("connect", libc::SYS_connect, Gate::Always, Ask::Connect),
    network("listen", libc::SYS_listen, Gate::Always, Ask::Listen),
    network("sendto", libc::SYS_sendto, Gate::Set(4), Ask::SendTo),
    network("sendmsg", libc::SYS_sendmsg, Gate::Always, Ask::SendMessage),
    network("sendmmsg", libc::SYS_sendmmsg, Gate::Always, Ask::SendMessages),
    object("shmget", libc::SYS_shmget, Ask::Get(Kind::Memory)),
    object("shmat", libc::SYS_shmat, Ask::Use(Kind::Memory, None)),
    object("shmctl", libc::SYS_shmctl, Ask::Use(Kind::Memory, Some(1))),
    object("semget", libc::SYS_semget, Ask::Get(Kind::Semaphores)),
    object("semop", libc::SYS_semop, Ask::Use(Kind::Semaphores, None)),
    object("semtimedop", libc::SYS_semtimedop, Ask::Use(Kind::Semaphores, None)),
    object("semctl", libc::SYS_semctl, Ask::Use(Kind::Semaphores, Some(2))),
    object("msgget", libc::SYS_msgget, Ask::Get(Kind::Messages)),
    object("msgsnd", libc::SYS_msgsnd, Ask::Use(Kind::Messages, None)),
    object("msgrcv", libc::SYS_msgrcv, Ask::Use(Kind::Messages, None)),
    object("msgctl", libc::SYS_msgctl, Ask::Use(Kind::Messages, Some(1))),
    object("mq_open", libc::SYS_mq_open, Ask::Queue),
    object("mq_unlink", libc::SYS_mq_unlink, Ask::Queue),
    system("ioctl", libc::SYS_ioctl, Gate::Request, Ask::Request),
    system("prlimit64", libc::SYS_prlimit64, Gate::Set(2), Ask::Process(0, Whom::One)),
    system("setpriority", libc::SYS_setpriority, Gate::Always, Ask::Process(1, Whom::ByPriority)),
    system("ioprio_set", libc::SYS_ioprio_set, Gate::Always, Ask::Process(1, Whom::ByIoPriority)),
    system("sched_setparam", libc::SYS_sched_setparam, Gate::Set(0), Ask::Process(0, Whom::One)),
    system("sched_setscheduler", libc::SYS_sched_setscheduler, Gate::Set(0), Ask::Process(0, Whom::One)),
    system("sched_setaffinity", libc::SYS_sched_setaffinity, Gate::Set(0), Ask::Process(0, Whom::One)),
    system("sched_setattr", libc::SYS_sched_setattr, Gate::Set(0), Ask::Process(0, Whom::One)),
    system("migrate_pages", libc::SYS_migrate_pages, Gate::Set(0), Ask::Process(0, Whom::One)),
    system("move_pages", libc::SYS_move_pages, Gate::Set(0), Ask::Process(0, Whom::One)),
];

/// Architectures that are younger than `renameat2` do not have it.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const RENAMEAT: Call = files("renameat", libc::SYS_renameat, &[(Remove, at(0, 1, Never)), (Replace, at(2, 3, Never))]);

/// What only this architecture has.
#[cfg(target_arch = "x86_64")]
pub(super) const OWN: &[Call] = &[
    RENAMEAT,
    open("open", libc::SYS_open, Gate::Bits(1, WRITING), named(0, Always), OpenFlags::Argument(1)),
    open("creat", libc::SYS_creat, Gate::Always, named(0, Always), OpenFlags::Creat),
    files("mkdir", libc::SYS_mkdir, &[(Create, named(0, Never))]),
    files("mknod", libc::SYS_mknod, &[(Create, named(0, Never))]),
    files("symlink", libc::SYS_symlink, &[(Create, named(1, Never))]),
    files("link", libc::SYS_link, &[(Link, named(0, Never)), (Create, named(1, Never))]),
    files("unlink", libc::SYS_unlink, &[(Remove, named(0, Never))]),
    files("rmdir", libc::SYS_rmdir, &[(Remove, named(0, Never))]),
    files("rename", libc::SYS_rename, &[(Remove, named(0, Never)), (Replace, named(1, Never))]),
    files("chmod", libc::SYS_chmod, &[(Change, named(0, Always))]),
    files("chown", libc::SYS_chown, &[(Change, named(0, Always))]),
    files("lchown", libc::SYS_lchown, &[(Change, named(0, Never))]),
    files("utime", libc::SYS_utime, &[(Change, named(0, Always))]),
    files("utimes", libc::SYS_utimes, &[(Change, named(0, Always))]),
    files("futimesat", libc::SYS_futimesat, &[(Change, at(0, 1, Always))]),
    access("access", libc::SYS_access, named(0, Always), 1),
];

/// What only some architectures have.
#[cfg(target_arch = "aarch64")]
pub(super) const OWN: &[Call] = &[RENAMEAT];

/// What only some architectures have.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const OWN: &[Call] = &[];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Call> {
    COMMON.iter().chain(OWN)
}

/// The call with a number.
pub(super) fn find(number: c_long) -> Option<&'static Call> {
    all().find(|call| call.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn requests_to_terminals_are_not_usual() {
        assert!(!TERMINAL_REQUESTS.iter().any(|request| USUAL_REQUESTS.contains(request)));
    }

    #[test]
    fn no_number_stands_for_two_calls() {
        let numbers: BTreeSet<_> = all().map(|call| call.number).collect();
        assert_eq!(numbers.len(), all().count());
    }
}
