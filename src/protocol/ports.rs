//! Sets of TCP ports: a range, or a list of ranges with holes between them
//! such as `30000-30009,30020`.
#![forbid(unsafe_code)]

use std::fmt;

/// Ports to choose from; at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortSet {
    /// First and last of each range; in order, apart from each other.
    ranges: Vec<(u16, u16)>,
}

impl PortSet {
    /// The ports `first` to `last`, both included; `first` alone if `last` is
    /// below it.
    #[must_use]
    pub fn range(first: u16, last: u16) -> PortSet {
        PortSet {
            ranges: vec![(first, last.max(first))],
        }
    }

    /// Ports and ranges parted by commas, each port from 1 to 65535; ranges
    /// may overlap. `None` if `text` is anything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<PortSet> {
        let text = std::str::from_utf8(text).ok()?;
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (port(first)?, port(last)?);
            if first > last {
                return None;
            }
            ranges.push((first, last));
        }
        ranges.sort_unstable();
        let mut apart: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match apart.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => apart.push((first, last)),
            }
        }
        Some(PortSet { ranges: apart })
    }

    /// Those of `ports`, which come in rising order; `None` if there are none.
    #[must_use]
    pub fn of(ports: impl Iterator<Item = u16>) -> Option<PortSet> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for port in ports {
            match ranges.last_mut() {
                Some(last) if port <= last.1.saturating_add(1) => last.1 = last.1.max(port),
                _ => ranges.push((port, port)),
            }
        }
        (!ranges.is_empty()).then_some(PortSet { ranges })
    }

    /// Every port, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Whether `port` is one of them.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.ranges
            .iter()
            .any(|&(first, last)| (first..=last).contains(&port))
    }

    /// How many ports there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ranges.iter().map(size).sum()
    }

    /// The port at `place`, counted from 0; `None` past the last.
    #[must_use]
    pub fn nth(&self, mut place: usize) -> Option<u16> {
        for range in &self.ranges {
            let size = size(range);
            if place < size {
                return range.0.checked_add(u16::try_from(place).ok()?);
            }
            place -= size;
        }
        None
    }
}

impl fmt::Display for PortSet {
    /// As [`PortSet::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, &(first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

fn size(&(first, last): &(u16, u16)) -> usize {
    usize::from(last - first) + 1
}

/// Digits alone: `+5` and ` 5` are no ports.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(text: &str) -> Option<Vec<u16>> {
        let set = PortSet::parse(text.as_bytes())?;
        let all: Vec<u16> = (0..set.count()).map(|at| set.nth(at).unwrap()).collect();
        assert_eq!(set.nth(set.count()), None);
        Some(all)
    }

    #[test]
    fn lists_with_holes_give_each_port_once_in_order() {
        assert_eq!(ports("5"), Some(vec![5]));
        assert_eq!(ports("7-9,3"), Some(vec![3, 7, 8, 9]));
        assert_eq!(ports("7-9,8-11,9,12"), Some(vec![7, 8, 9, 10, 11, 12]));
        assert_eq!(PortSet::parse(b"1-65535").unwrap().count(), 65535);
        assert_eq!(PortSet::range(65535, 1).count(), 1);
    }

    #[test]
    fn a_set_made_of_ports_reads_as_it_prints() {
        for text in ["5", "3,7-9", "1-65535", "65534-65535", "1,3,5"] {
            let set = PortSet::parse(text.as_bytes()).unwrap();
            assert_eq!(set.to_string(), text);
            assert_eq!(PortSet::of(set.iter()), Some(set.clone()));
            assert_eq!(set.iter().count(), set.count());
            assert!(set.iter().all(|port| set.contains(port)));
        }
        let holes = PortSet::parse(b"3,7-9").unwrap();
        assert!(!holes.contains(4) && !holes.contains(10));
        assert_eq!(PortSet::of(std::iter::empty()), None);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "", ",", "1,", "0", "65536", "9-7", "1--2", "+1", "1 ", "-", "-5", "5-", "a", "1;2",
        ] {
            assert_eq!(ports(text), None, "{text:?}");
        }
        assert_eq!(PortSet::parse(b"\xff"), None);
    }
}
