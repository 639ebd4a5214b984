//! How far a scenario goes on where what it has shown is not enough.

use serde::{Deserialize, Serialize};

/// Further runs in the same folders, one after the other, as long as a requirement that wants more runs before it accuses
/// anybody would fail by those that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoubtSpec {
    /// How many runs there are at most, with those that are made anyway.
    pub runs: usize,
    /// How long the further ones may take together, in seconds.
    pub seconds: u64,
    /// Bytes in the folders of the run from which on no more are made.
    pub bytes: u64,
}

impl DoubtSpec {
    /// After how many runs in all the question is asked again; `None` if there are no more.
    ///
    /// They are halves of halves of the whole, so that the second half of all runs is mostly what has been made since, and
    /// none of them is so near that nothing can be learned until then.
    #[must_use]
    pub fn next(&self, made: usize) -> Option<usize> {
        let stops = (0..usize::BITS).map(|halved| self.runs >> halved);
        let far_enough = stops.take_while(|stop| *stop > made + made / 2).last();
        far_enough.or_else(|| (made < self.runs).then_some(self.runs))
    }
}

#[cfg(test)]
mod tests {
    use super::DoubtSpec;

    #[test]
    fn every_stop_is_about_twice_as_far_as_the_one_before() {
        let spec = DoubtSpec { runs: 1000, seconds: 1, bytes: 1 };
        let stops: Vec<usize> = std::iter::successors(Some(30), |made| spec.next(*made)).collect();
        assert_eq!(stops, [30, 62, 125, 250, 500, 1000]);
        assert_eq!((spec.next(999), spec.next(1000), spec.next(0)), (Some(1000), None, Some(1)));
    }
}
