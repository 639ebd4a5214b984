//! The control data of a message: what a program says of it beside the data.

use libc::c_int;

/// Length, level and kind in front of each piece, and what its size is rounded up to.
const HEADER: usize = 16;
const ALIGNMENT: usize = 8;
/// The number of the loopback device in every network namespace.
const LOOPBACK: u32 = 1;

/// Kinds that say nothing of where a packet goes: level, kinds. Descriptors, credentials, pidfds, time stamps, the time of
/// sending, priority; time to live and type of service of IP and IPv6, and the size of UDP segments.
const HARMLESS: &[(c_int, &[c_int])] =
    &[(libc::SOL_SOCKET, &[1, 2, 4, 37, 61, 78, 81]), (0, &[1, 2]), (41, &[52, 67, 62]), (17, &[103]), (6, &[])];
/// `IP_PKTINFO` and `IPV6_PKTINFO`, and where the number of the device stands in them.
const DEVICES: &[(c_int, c_int, usize)] = &[(0, 8, 0), (41, 50, 16)];

/// Level and kind of the first piece that may decide where the packet goes.
pub(super) fn deciding(bytes: &[u8]) -> Option<(c_int, c_int)> {
    let mut rest = bytes;
    while rest.len() >= HEADER {
        let length = usize::try_from(u64::from_ne_bytes(rest[..8].try_into().ok()?)).unwrap_or(usize::MAX);
        let number = |at: usize| rest.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(c_int::from_ne_bytes);
        let (level, kind) = (number(8)?, number(12)?);
        if length < HEADER || length > rest.len() {
            // The kernel refuses it, or finds nothing more.
            return None;
        }
        let device = DEVICES.iter().find(|(at, of, _)| (*at, *of) == (level, kind)).map(|(_, _, place)| place);
        let fine = match device {
            Some(place) => number(HEADER + place).is_some_and(|device| matches!(device as u32, 0 | LOOPBACK)),
            None => HARMLESS.iter().any(|(at, kinds)| *at == level && kinds.contains(&kind)),
        };
        if !fine {
            return Some((level, kind));
        }
        rest = rest.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn piece(level: c_int, kind: c_int, data: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + data.len()) as u64).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    #[rstest]
    #[case::descriptor(&[piece(1, 1, &[3, 0, 0, 0])], None)]
    #[case::time_to_live(&[piece(0, 2, &[64, 0, 0, 0])], None)]
    #[case::no_device(&[piece(0, 8, &[0; 12])], None)]
    #[case::loopback(&[piece(0, 8, &[1, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0])], None)]
    #[case::another_device(&[piece(0, 8, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], Some((0, 8)))]
    #[case::another_device_of_ipv6(&[piece(41, 50, &[&[0; 16][..], &[3, 0, 0, 0]].concat())], Some((41, 50)))]
    #[case::too_short(&[piece(0, 8, &[])], Some((0, 8)))]
    #[case::route(&[piece(1, 1, &[3, 0, 0, 0]), piece(0, 7, &[0; 8])], Some((0, 7)))]
    #[case::routing_header(&[piece(41, 57, &[0; 8])], Some((41, 57)))]
    #[case::unknown(&[piece(132, 1, &[0; 8])], Some((132, 1)))]
    #[case::nothing(&[], None)]
    fn what_may_decide_the_way(#[case] pieces: &[Vec<u8>], #[case] expected: Option<(c_int, c_int)>) {
        assert_eq!(deciding(&pieces.concat()), expected);
    }

    #[test]
    fn broken_lengths_come_to_an_end() {
        for length in [0, 1, 15, 17, u64::MAX] {
            let mut bytes = piece(1, 1, &[0; 4]);
            bytes[..8].copy_from_slice(&length.to_ne_bytes());
            assert!(deciding(&bytes).is_none());
        }
    }
}
