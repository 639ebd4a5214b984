//! Neighbouring runs that went the same way.

use serde::{Deserialize, Serialize};

use super::Behaviour;

/// A stretch of values at which a program behaved the same, as far as was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// How it behaved.
    pub behaviour: Behaviour,
    /// The least value of the stretch that was tried.
    pub from: u64,
    /// The largest value of the stretch that was tried.
    pub to: u64,
    /// Runs in the stretch.
    pub runs: usize,
}

impl Band {
    /// The stretches of a probe, from the least value to the largest. A value that was tried twice, and went two ways,
    /// is in two stretches.
    ///
    /// ```
    /// use hookproof_harness::{Band, Behaviour};
    ///
    /// let bands = Band::of([(4, Behaviour::Works), (1, Behaviour::SilentDeath), (2, Behaviour::SilentDeath)]);
    /// assert_eq!(bands.len(), 2);
    /// assert_eq!((bands[0].from, bands[0].to, bands[0].behaviour), (1, 2, Behaviour::SilentDeath));
    /// ```
    #[must_use]
    pub fn of(points: impl IntoIterator<Item = (u64, Behaviour)>) -> Vec<Band> {
        let mut points: Vec<(u64, Behaviour)> = points.into_iter().collect();
        // The worse first, so that a value that went two ways belongs to the failures below it.
        points.sort_by_key(|(value, behaviour)| (*value, std::cmp::Reverse(*behaviour)));
        let mut bands: Vec<Band> = Vec::new();
        for (value, behaviour) in points {
            match bands.last_mut() {
                Some(band) if band.behaviour == behaviour => {
                    band.to = value;
                    band.runs += 1;
                }
                _ => bands.push(Band { behaviour, from: value, to: value, runs: 1 }),
            }
        }
        bands
    }

    /// The worst way to fail below `floor`, with the widest stretch of it. `None` if nothing failed there.
    #[must_use]
    pub fn worst_below(bands: &[Band], floor: u64) -> Option<&Band> {
        let width = |band: &Band| band.to as f64 / band.from.max(1) as f64;
        bands
            .iter()
            .filter(|band| band.behaviour != Behaviour::Works && band.from < floor)
            .max_by(|a, b| a.behaviour.cmp(&b.behaviour).then(width(a).total_cmp(&width(b))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Behaviour::{CleanError, Hang, SilentDeath, Works};

    #[test]
    fn bands_follow_the_values() {
        let bands =
            Band::of([(9, Works), (5, CleanError), (1, SilentDeath), (3, SilentDeath), (7, Works), (4, CleanError)]);
        let told: Vec<_> = bands.iter().map(|band| (band.from, band.to, band.behaviour, band.runs)).collect();
        assert_eq!(told, [(1, 3, SilentDeath, 2), (4, 5, CleanError, 2), (7, 9, Works, 2)]);
    }

    #[test]
    fn a_value_that_went_two_ways_stands_in_both() {
        let bands = Band::of([(5, Works), (5, SilentDeath), (3, SilentDeath), (8, Works)]);
        let told: Vec<_> = bands.iter().map(|band| (band.from, band.to, band.behaviour)).collect();
        assert_eq!(told, [(3, 5, SilentDeath), (5, 8, Works)]);
    }

    #[test]
    fn the_worst_is_the_worst_way_and_then_the_widest_stretch() {
        let bands = Band::of([(1, SilentDeath), (2, CleanError), (4, SilentDeath), (64, SilentDeath), (70, Works)]);
        assert_eq!(Band::worst_below(&bands, 70).map(|band| band.from), Some(4));
        let hanging = Band::of([(1, SilentDeath), (60, SilentDeath), (65, Hang), (70, Works)]);
        assert_eq!(Band::worst_below(&hanging, 70).map(|band| band.behaviour), Some(Hang));
        assert_eq!(Band::worst_below(&Band::of([(1, Works)]), 1), None);
    }
}
