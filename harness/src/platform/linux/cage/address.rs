#![allow(unsafe_code)]
//! Socket addresses, and whether they are beyond this machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;

use libc::c_int;

/// The kernel takes no longer address (`sockaddr_storage`).
pub(super) const LONGEST: usize = 128;
/// Where name servers listen: what they are asked goes further, even if they are on this machine.
const NAME_SERVERS: [u16; 2] = [53, 853];

/// An address as a program gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Internet(SocketAddr),
    /// A socket in the file system.
    Path(PathBuf),
    /// One that cannot leave this machine, or takes an address away.
    Harmless,
    /// Of this family, or not to be understood.
    Other(c_int),
}

/// Reads an address.
pub(super) fn parse(bytes: &[u8]) -> Address {
    let Some(family) = bytes.get(..2) else {
        return Address::Other(0);
    };
    let family = c_int::from(u16::from_ne_bytes([family[0], family[1]]));
    let port = |bytes: &[u8]| u16::from_be_bytes([bytes[2], bytes[3]]);
    match family {
        libc::AF_INET if bytes.len() >= 8 => {
            let ip = Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
            Address::Internet(SocketAddr::new(ip.into(), port(bytes)))
        }
        libc::AF_INET6 if bytes.len() >= 24 => {
            let mut ip = [0; 16];
            ip.copy_from_slice(&bytes[8..24]);
            Address::Internet(SocketAddr::new(Ipv6Addr::from(ip).into(), port(bytes)))
        }
        libc::AF_UNIX => {
            let name: Vec<u8> = bytes[2..].iter().copied().take_while(|byte| *byte != 0).collect();
            match name.is_empty() {
                true => Address::Harmless,
                false => Address::Path(std::ffi::OsString::from_vec(name).into()),
            }
        }
        libc::AF_NETLINK | libc::AF_UNSPEC => Address::Harmless,
        // Too short ones are refused by the kernel, but what is judged is not what it sees later.
        _ => Address::Other(family),
    }
}

/// Reads an address that is bound, or sent to: without a family it is taken for one of IPv4.
pub(super) fn parse_without_family(bytes: &[u8]) -> Address {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 8 && bytes[..2] == (libc::AF_UNSPEC as u16).to_ne_bytes() {
        bytes[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
    }
    parse(&bytes)
}

/// Whether it is an address of this machine that a socket of the loopback device does not reach.
pub(super) fn is_of_another_device(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    !ip.is_loopback() && own_addresses().contains(&ip)
}

/// Whether what goes to this address leaves the machine.
pub(super) fn is_beyond(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let here = ip.is_loopback() || ip.is_unspecified() || own_addresses().contains(&ip);
    !here || NAME_SERVERS.contains(&address.port())
}

/// Whether who listens at this address can be reached from beyond. A port that the system chooses is nobody's to find;
/// clients ask for such a one.
pub(super) fn is_exposed(address: &SocketAddr) -> bool {
    address.port() != 0 && !address.ip().to_canonical().is_loopback()
}

/// The address that a socket has itself.
pub(super) fn own(socket: &OwnedFd) -> io::Result<Address> {
    let mut bytes = [0_u8; LONGEST];
    let mut length = LONGEST as libc::socklen_t;
    // SAFETY: the kernel writes at most the given length.
    if unsafe { libc::getsockname(socket.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut length) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(parse(&bytes[..(length as usize).min(LONGEST)]))
}

/// Lets others connect to it.
pub(super) fn listen(socket: &OwnedFd, backlog: c_int) -> io::Result<()> {
    // SAFETY: the socket is ours.
    match unsafe { libc::listen(socket.as_raw_fd(), backlog) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The addresses of this machine's interfaces, as they were when they were first asked for.
fn own_addresses() -> &'static [IpAddr] {
    static OWN: OnceLock<Vec<IpAddr>> = OnceLock::new();
    OWN.get_or_init(|| {
        let mut found = Vec::new();
        let mut list = ptr::null_mut();
        // SAFETY: the call makes a list, which is walked and given back; an address is as long as its family says.
        unsafe {
            if libc::getifaddrs(&raw mut list) < 0 {
                return found;
            }
            let mut entry = list;
            while let Some(interface) = entry.as_ref() {
                if let Some(address) = interface.ifa_addr.as_ref() {
                    let length = match c_int::from(address.sa_family) {
                        libc::AF_INET => size_of::<libc::sockaddr_in>(),
                        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
                        _ => 0,
                    };
                    let bytes = std::slice::from_raw_parts(interface.ifa_addr.cast::<u8>(), length);
                    if let Address::Internet(address) = parse(bytes) {
                        found.push(address.ip().to_canonical());
                    }
                }
                entry = interface.ifa_next;
            }
            libc::freeifaddrs(list);
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1:80", false)]
    #[case("127.9.9.9:80", false)]
    #[case("0.0.0.0:80", false)]
    #[case("[::1]:80", false)]
    #[case("[::]:80", false)]
    #[case("[::ffff:127.0.0.1]:80", false)]
    #[case("127.0.0.53:53", true)]
    #[case("203.0.113.1:80", true)]
    #[case("[::ffff:203.0.113.1]:80", true)]
    #[case("[2001:db8::1]:443", true)]
    #[case("224.0.0.1:5353", true)]
    #[case("255.255.255.255:9", true)]
    fn what_is_beyond(#[case] address: &str, #[case] expected: bool) {
        assert_eq!(is_beyond(&address.parse().expect("an address")), expected);
    }

    #[test]
    fn without_a_family_it_is_version_4() {
        let expected = Address::Internet("203.0.113.1:80".parse().expect("an address"));
        assert_eq!(parse_without_family(&[0, 0, 0, 80, 203, 0, 113, 1]), expected);
        assert_eq!(parse_without_family(&[0, 0]), Address::Harmless);
    }

    #[test]
    fn the_machine_knows_its_own_addresses() {
        assert!(own_addresses().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[rstest]
    #[case("0.0.0.0:8080", true)]
    #[case("0.0.0.0:0", false)]
    #[case("127.0.0.1:8080", false)]
    #[case("[::]:8080", true)]
    fn who_can_be_reached(#[case] address: &str, #[case] expected: bool) {
        assert_eq!(is_exposed(&address.parse().expect("an address")), expected);
    }

    #[rstest]
    #[case::internet(&[2, 0, 0, 80, 203, 0, 113, 1], Address::Internet("203.0.113.1:80".parse().expect("an address")))]
    #[case::too_short(&[2, 0, 0, 80, 203], Address::Other(libc::AF_INET))]
    #[case::path(b"\x01\0/run/x\0rest", Address::Path("/run/x".into()))]
    #[case::abstract_name(b"\x01\0\0name", Address::Harmless)]
    #[case::nothing(&[], Address::Other(0))]
    #[case::taken_away(&[0, 0], Address::Harmless)]
    #[case::packet(&[17, 0, 1], Address::Other(libc::AF_PACKET))]
    fn addresses_are_read(#[case] bytes: &[u8], #[case] expected: Address) {
        assert_eq!(parse(bytes), expected);
    }
}
