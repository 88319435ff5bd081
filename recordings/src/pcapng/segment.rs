//! IP and TCP headers of a conversation that never was one on a wire, with sums that hold.

use std::net::IpAddr;

use super::Direction;

/// Most bytes of a segment: an IPv4 packet of 65,535 with both headers.
pub(super) const LONGEST_DATA: usize = 65_495;

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const PSH: u8 = 8;
pub(super) const ACK: u8 = 16;

/// TCP's number among protocols.
const TCP: u8 = 6;
/// Hops left.
const HOPS: u8 = 64;
/// The window, which its scale makes a gigabyte: nothing ever waits for one here.
const WINDOW: u16 = u16::MAX;
/// What a handshake says: longest segment (65,495), nothing, windows count 2^14 times.
const OPTIONS: [u8; 8] = [2, 4, 0xFF, 0xD7, 1, 3, 3, 14];

/// The two ends, and how far each has sent.
#[derive(Debug)]
pub(super) struct Flow {
    technician: End,
    target: End,
}

#[derive(Debug, Clone, Copy)]
struct End {
    address: IpAddr,
    port: u16,
    /// The number of its next byte.
    next: u32,
    /// Packets that it sent.
    packets: u16,
}

impl Flow {
    /// Both of one version of IP, which whoever makes it sees to.
    pub(super) const fn new(technician: (IpAddr, u16), target: (IpAddr, u16)) -> Self {
        const fn end((address, port): (IpAddr, u16)) -> End {
            End {
                address,
                port,
                next: 0,
                packets: 0,
            }
        }
        Self {
            technician: end(technician),
            target: end(target),
        }
    }

    /// The headers of the next packet this way, which has these flags and these bytes.
    pub(super) fn head(&mut self, towards: Direction, flags: u8, data: &[u8]) -> Vec<u8> {
        let (from, to) = match towards {
            Direction::ToTarget => (&mut self.technician, &self.target),
            Direction::ToTechnician => (&mut self.target, &self.technician),
        };
        let options = if flags & SYN == 0 { &[][..] } else { &OPTIONS };
        let mut tcp = Vec::with_capacity(60);
        tcp.extend_from_slice(&from.port.to_be_bytes());
        tcp.extend_from_slice(&to.port.to_be_bytes());
        tcp.extend_from_slice(&from.next.to_be_bytes());
        let acknowledged = if flags & ACK == 0 { 0 } else { to.next };
        tcp.extend_from_slice(&acknowledged.to_be_bytes());
        let words = u8::try_from((20 + options.len()) / 4).unwrap_or_default();
        tcp.extend_from_slice(&[words << 4, flags]);
        tcp.extend_from_slice(&WINDOW.to_be_bytes());
        tcp.extend_from_slice(&[0; 4]);
        tcp.extend_from_slice(options);
        // Of the segments that are made here none is longer than what two bytes count.
        let length = u16::try_from(tcp.len() + data.len()).unwrap_or(u16::MAX);
        let sum = Sum::default()
            .address(from.address)
            .address(to.address)
            .number(u32::from(TCP))
            .number(u32::from(length))
            .bytes(&tcp)
            .bytes(data);
        if let Some(place) = tcp.get_mut(16..18) {
            place.copy_from_slice(&sum.finish().to_be_bytes());
        }
        let mut head = ip(from, to, length);
        head.extend_from_slice(&tcp);
        let marks = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        // Numbers go round.
        from.next = from
            .next
            .wrapping_add(u32::try_from(data.len()).unwrap_or_default())
            .wrapping_add(marks);
        from.packets = from.packets.wrapping_add(1);
        head
    }
}

fn ip(from: &End, to: &End, length: u16) -> Vec<u8> {
    let mut head = Vec::with_capacity(100);
    match (from.address, to.address) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            head.extend_from_slice(&[0x45, 0]);
            head.extend_from_slice(&length.saturating_add(20).to_be_bytes());
            head.extend_from_slice(&from.packets.to_be_bytes());
            // Not to be taken apart.
            head.extend_from_slice(&[0x40, 0, HOPS, TCP, 0, 0]);
            head.extend_from_slice(&source.octets());
            head.extend_from_slice(&destination.octets());
            let sum = Sum::default().bytes(&head).finish();
            if let Some(place) = head.get_mut(10..12) {
                place.copy_from_slice(&sum.to_be_bytes());
            }
        }
        (source, destination) => {
            let octets = |address: IpAddr| match address {
                IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                IpAddr::V6(address) => address.octets(),
            };
            head.extend_from_slice(&[0x60, 0, 0, 0]);
            head.extend_from_slice(&length.to_be_bytes());
            head.extend_from_slice(&[TCP, HOPS]);
            head.extend_from_slice(&octets(source));
            head.extend_from_slice(&octets(destination));
        }
    }
    head
}

/// The sum of RFC 1071: of words of two bytes, in one's complement. Whatever is added has an even length, but what is added last.
#[derive(Debug, Clone, Copy, Default)]
struct Sum(u64);

impl Sum {
    /// Four bytes at a time: what is carried is folded at the end. A segment is too short to overflow.
    fn bytes(mut self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        self.0 += words
            .iter()
            .map(|word| u64::from(u32::from_be_bytes(*word)))
            .sum::<u64>();
        let mut last = [0; 4];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        self.0 += u64::from(u32::from_be_bytes(last));
        self
    }

    fn number(self, number: u32) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.bytes(&address.octets()),
            IpAddr::V6(address) => self.bytes(&address.octets()),
        }
    }

    fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum >> 16 != 0 {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As the paper writes it, two bytes at a time.
        #[test]
        fn a_sum_is_that_of_the_paper(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let naive = bytes.chunks(2).fold(0u32, |sum, pair| {
                let word = u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
                let sum = sum + word;
                (sum & 0xFFFF) + (sum >> 16)
            });
            prop_assert_eq!(Sum::default().bytes(&bytes).finish(), !u16::try_from(naive).unwrap());
        }
    }

    /// RFC 1071 §3.
    #[test]
    fn the_example_of_the_paper() {
        let sum = Sum::default()
            .bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
            .finish();
        assert_eq!(!sum, 0xddf2);
    }
}
