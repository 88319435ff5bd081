//! Places of the log, as stretches that follow one another: `99,104-110`, as entries name them.

use std::fmt;

/// Places, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stretches(Vec<(u64, u64)>);

impl Stretches {
    /// These, which come in order.
    pub fn of(places: impl IntoIterator<Item = u64>) -> Self {
        let mut all: Vec<(u64, u64)> = Vec::new();
        for seq in places {
            match all.last_mut() {
                Some((_, to)) if to.saturating_add(1) >= seq => *to = seq.max(*to),
                Some(_) | None => all.push((seq, seq)),
            }
        }
        Self(all)
    }

    /// As they were written; what does not read is none.
    pub fn parse(text: &str) -> Self {
        let stretches = text.split(',').filter_map(|stretch| {
            let (from, to) = stretch.split_once('-').unwrap_or((stretch, stretch));
            Some((from.parse().ok()?, to.parse().ok()?))
        });
        Self(stretches.collect())
    }

    /// Whether a place is among them.
    pub fn has(&self, seq: u64) -> bool {
        let mut all = self.0.iter();
        all.any(|(from, to)| (*from..=*to).contains(&seq))
    }

    /// The first place.
    pub fn first(&self) -> Option<u64> {
        self.0.first().map(|(from, _)| *from)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in others.
    pub fn extend(&mut self, others: &Self) {
        for other in &others.0 {
            if !self.0.contains(other) {
                self.0.push(*other);
            }
        }
    }

    /// No more than so many stretches; the first place that is left out.
    pub fn keep(&mut self, most: usize) -> Option<u64> {
        let beyond = self.0.get(most).map(|(from, _)| *from);
        self.0.truncate(most);
        beyond
    }

    /// How many places there are.
    pub fn count(&self) -> u64 {
        let all = self.0.iter();
        all.map(|(from, to)| to.saturating_sub(*from).saturating_add(1))
            .fold(0, u64::saturating_add)
    }
}

impl fmt::Display for Stretches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (from, to)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if from == to {
                write!(f, "{comma}{from}")?;
            } else {
                write!(f, "{comma}{from}-{to}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_as_they_are_written() {
        let mut all = Stretches::of([3, 4, 5, 9, 11, 12]);
        assert_eq!((all.to_string().as_str(), all.count()), ("3-5,9,11-12", 6));
        assert_eq!(Stretches::parse(&all.to_string()), all);
        assert!(all.has(4) && all.has(12) && !all.has(6) && all.first() == Some(3));
        assert_eq!(all.keep(1), Some(9));
        assert_eq!((all.to_string().as_str(), all.keep(1)), ("3-5", None));
        for bad in ["", "x", "4-", "-"] {
            assert!(Stretches::parse(bad).is_empty(), "{bad}");
        }
    }
}
