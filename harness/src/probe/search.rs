//! Which values are tried next.

use std::collections::BTreeMap;

use super::Behaviour;
use crate::limits::Limit;

/// Values of the first look over the whole range, both ends among them. Without it a band far above the floor, in which
/// the program fails again, would never be met.
const SURVEY: u32 = 5;
/// The search is over when the floor is known to this ratio.
const CLOSE: f64 = 1.02;
/// How far above the floor is looked once more, as ratios of it: what works there by luck fails near by.
const ABOVE: [f64; 3] = [1.06, 1.12, 1.5];
/// Two ways to fail are told apart to this ratio of values, in at most so many runs.
const EDGE: f64 = 1.1;
const EDGE_RUNS: usize = 4;
/// Runs after which the search ends in any case: behaviour that follows no rule would keep it busy for ever.
const MOST_RUNS: usize = 30;
/// Sizes are tried in whole pages; the kernel rounds as well.
const PAGE: u64 = 4096;

/// The search for the least value of a limit at which a program works: which values to try, given what was seen so far.
///
/// It looks over the whole range first, narrows the topmost change from failing to working down to 2 %, tries the floor
/// again and what lies close above it, and then looks where one way to fail ends and another begins. The values of one
/// step are independent of each other, so that they can be run at the same time.
///
/// ```
/// use hookproof_harness::{Behaviour, Limit, Search};
///
/// let mut search = Search::new(Limit::OpenFiles, 1, 1024);
/// loop {
///     let values = search.step(2);
///     if values.is_empty() {
///         break;
///     }
///     for value in values {
///         // A program that needs twenty descriptors.
///         search.record(value, if value >= 20 { Behaviour::Works } else { Behaviour::CleanError });
///     }
/// }
/// assert_eq!(search.floor(), Some(20));
/// ```
#[derive(Debug, Clone)]
pub struct Search {
    step: u64,
    least: u64,
    most: u64,
    /// What was tried, and the worst that came of it.
    seen: BTreeMap<u64, Behaviour>,
    waiting: usize,
    runs: usize,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The largest value: without it nothing is learned from the others.
    Top,
    Survey,
    Narrow,
    /// This floor was tried again.
    Checked(u64),
    /// So many runs were spent on how it fails.
    Edges(usize),
    Done,
}

impl Search {
    /// A search between `least` and `most`, in the limit's own [unit](Limit::unit).
    #[must_use]
    pub fn new(limit: Limit, least: u64, most: u64) -> Self {
        let step = if limit.unit() == "bytes" { PAGE } else { 1 };
        let most = most.max(1);
        let least = least.clamp(1, most);
        Search { step, least, most, seen: BTreeMap::new(), waiting: 0, runs: 0, phase: Phase::Top }
    }

    /// The values to try next, in any order or all at once; each of them is then [recorded](Search::record). `width`
    /// says how many can be run at the same time. Empty when the search is over, or while values are still awaited.
    pub fn step(&mut self, width: usize) -> Vec<u64> {
        if self.waiting > 0 {
            return Vec::new();
        }
        let values = loop {
            if self.runs >= MOST_RUNS {
                self.phase = Phase::Done;
            }
            let values = match self.phase {
                Phase::Done => break Vec::new(),
                Phase::Top => {
                    self.phase = Phase::Survey;
                    vec![self.most]
                }
                Phase::Survey => {
                    self.phase = Phase::Narrow;
                    if self.seen.get(&self.most) == Some(&Behaviour::Works) { self.survey() } else { Vec::new() }
                }
                Phase::Narrow => self.narrow(width.max(1)),
                Phase::Checked(floor) if self.floor() == Some(floor) => {
                    self.phase = Phase::Edges(0);
                    Vec::new()
                }
                Phase::Edges(spent) => {
                    let values = self.edges(width.clamp(1, EDGE_RUNS.saturating_sub(spent).max(1)));
                    let over = spent >= EDGE_RUNS || values.is_empty();
                    self.phase = if over { Phase::Done } else { Phase::Edges(spent + values.len()) };
                    if over { Vec::new() } else { values }
                }
                Phase::Checked(_) => self.narrow(width.max(1)),
            };
            if !values.is_empty() {
                break values;
            }
        };
        self.waiting = values.len();
        self.runs += values.len();
        values
    }

    /// What came of a value. Of several runs with it the worst counts.
    pub fn record(&mut self, value: u64, behaviour: Behaviour) {
        self.waiting = self.waiting.saturating_sub(1);
        self.seen.entry(value).and_modify(|worst| *worst = behaviour.max(*worst)).or_insert(behaviour);
    }

    /// Ends the search: nothing can be learned from a limit that does not hold.
    pub fn stop(&mut self) {
        self.phase = Phase::Done;
    }

    /// The least value that was seen to be enough: there it works, and at every larger value that was tried. `None` if
    /// even the largest was not enough.
    #[must_use]
    pub fn floor(&self) -> Option<u64> {
        self.seen.iter().rev().take_while(|(_, seen)| **seen == Behaviour::Works).last().map(|(value, _)| *value)
    }

    /// Values at which it worked although it fails at a larger one: bisection alone would have hidden them, or taken
    /// one of them for the floor.
    #[must_use]
    pub fn works_below(&self) -> Vec<u64> {
        let Some((highest, _)) = self.seen.iter().rev().find(|(_, seen)| **seen != Behaviour::Works) else {
            return Vec::new();
        };
        self.seen.range(..highest).filter(|(_, seen)| **seen == Behaviour::Works).map(|(value, _)| *value).collect()
    }

    fn survey(&self) -> Vec<u64> {
        let (low, high) = ((self.least as f64).ln(), (self.most as f64).ln());
        let mut values: Vec<u64> = (0..SURVEY - 1)
            .map(|place| self.whole((low + (high - low) * f64::from(place) / f64::from(SURVEY - 1)).exp()))
            .map(|value| value.clamp(self.least, self.most))
            .filter(|value| !self.seen.contains_key(value))
            .collect();
        values.dedup();
        values
    }

    /// Cuts the stretch between the topmost failure and the floor into pieces, or has the floor checked where nothing is
    /// left to cut.
    fn narrow(&mut self, width: usize) -> Vec<u64> {
        let Some(floor) = self.floor() else {
            self.phase = Phase::Done;
            return Vec::new();
        };
        let failing = self.seen.range(..floor).next_back().map(|(value, _)| *value);
        let Some(failing) = failing else {
            // Even the least is enough. That it is so at every value that was tried was seen already.
            self.phase = Phase::Done;
            return Vec::new();
        };
        let pieces = self.pieces(failing, floor, width);
        if pieces.is_empty() {
            self.phase = Phase::Checked(floor);
            return self.check(floor);
        }
        pieces
    }

    fn pieces(&self, low: u64, high: u64, width: usize) -> Vec<u64> {
        let ratio = high as f64 / low as f64;
        if ratio <= CLOSE || high - low <= self.step {
            return Vec::new();
        }
        let cuts = width + 1;
        let mut values: Vec<u64> = (1..cuts)
            .map(|cut| self.whole(low as f64 * ratio.powf(cut as f64 / cuts as f64)))
            .map(|value| value.clamp(low + 1, high - 1).next_multiple_of(self.step))
            .filter(|value| low < *value && *value < high)
            .collect();
        values.dedup();
        values
    }

    /// The floor again, and what lies close above it.
    fn check(&self, floor: u64) -> Vec<u64> {
        let above = ABOVE.map(|ratio| self.whole(floor as f64 * ratio));
        let above = above.into_iter().filter(|value| floor < *value && *value < self.most);
        let mut values: Vec<u64> = above.filter(|value| !self.seen.contains_key(value)).collect();
        values.dedup();
        values.insert(0, floor);
        values
    }

    /// Middles of the widest stretches below the floor at whose ends the program behaves in two ways.
    fn edges(&self, most: usize) -> Vec<u64> {
        let below: Vec<(u64, Behaviour)> =
            self.seen.range(..self.floor().unwrap_or(0)).map(|(value, seen)| (*value, *seen)).collect();
        let mut stretches: Vec<(f64, u64)> = below
            .windows(2)
            .filter(|pair| pair[0].1 != pair[1].1)
            .map(|pair| (pair[1].0 as f64 / pair[0].0 as f64, pair))
            .filter(|(ratio, _)| *ratio > EDGE)
            .filter_map(|(ratio, pair)| Some((ratio, *self.pieces(pair[0].0, pair[1].0, 1).first()?)))
            .collect();
        stretches.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        stretches.into_iter().take(most).map(|(_, middle)| middle).collect()
    }

    /// The nearest value that can be tried.
    fn whole(&self, value: f64) -> u64 {
        ((value / self.step as f64).round() as u64 * self.step).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn alive(works: bool) -> Behaviour {
        if works { Behaviour::Works } else { Behaviour::CleanError }
    }

    /// Runs a search; all values in the order in which they were tried.
    fn all(search: &mut Search, width: usize, works: impl Fn(u64) -> bool) -> Vec<u64> {
        behaving(search, width, |value| alive(works(value)))
    }

    fn behaving(search: &mut Search, width: usize, behaviour: impl Fn(u64) -> Behaviour) -> Vec<u64> {
        let mut tried = Vec::new();
        loop {
            let values = search.step(width);
            if values.is_empty() {
                return tried;
            }
            assert!(search.step(width).is_empty(), "the values of one step are awaited");
            for value in values {
                search.record(value, behaviour(value));
                tried.push(value);
            }
        }
    }

    #[rstest]
    fn the_floor_is_close_in_few_runs_however_many_run_at_once(
        #[values(1, 2, 3, 8)] width: usize,
        #[values(300_000, 3_000_000, 14_000_000, 800_000_000, 40_000_000_000)] needed: u64,
    ) {
        let mut search = Search::new(Limit::AddressSpace, 64 << 10, 64 << 30);
        let tried = all(&mut search, width, |value| value >= needed);
        let floor = search.floor().expect("enough was tried");
        assert!(floor >= needed && floor as f64 <= needed as f64 * CLOSE + PAGE as f64, "{floor} for {needed}");
        assert!(tried.iter().all(|value| value.is_multiple_of(PAGE)));
        let most = if width == 1 { 17 } else { 17 + 3 * width };
        assert!(tried.len() <= most, "{} runs", tried.len());
        assert!(search.works_below().is_empty());
    }

    #[rstest]
    #[case::even_the_least_is_enough(1, Some(1))]
    #[case::exactly_one(2, Some(2))]
    #[case::some(20, Some(20))]
    #[case::the_most(1024, Some(1024))]
    #[case::more_than_the_most(1025, None)]
    fn counts_are_found_exactly(#[case] needed: u64, #[case] floor: Option<u64>, #[values(1, 2, 3)] width: usize) {
        let mut search = Search::new(Limit::OpenFiles, 1, 1024);
        all(&mut search, width, |value| value >= needed);
        assert_eq!(search.floor(), floor);
    }

    #[rstest]
    #[case(1, 1)]
    #[case(1, 2)]
    #[case(3, 4)]
    #[case(7, 7)]
    fn a_small_range_is_tried_once(#[case] least: u64, #[case] most: u64) {
        let mut search = Search::new(Limit::Cpu, least, most);
        let mut tried = all(&mut search, 4, |_| true);
        tried.sort_unstable();
        assert_eq!(tried, (least..=most).collect::<Vec<_>>());
        assert_eq!(search.floor(), Some(least));
    }

    #[test]
    fn a_band_close_above_a_change_is_met_and_moves_the_floor() {
        // Works from 5 MiB, but not between 5.5 and 5.75 MiB, which bisection steps over.
        let works = |value: u64| value >= 5 << 20 && !(11 << 19..23 << 18).contains(&value);
        let mut search = Search::new(Limit::AddressSpace, 64 << 10, 64 << 30);
        all(&mut search, 1, works);
        let floor = search.floor().expect("enough was tried");
        assert!((23 << 18..(23 << 18) * 103 / 100).contains(&floor), "{floor}");
        let below = search.works_below();
        assert!(!below.is_empty() && below.iter().all(|value| (5 << 20..11 << 19).contains(value)), "{below:?}");
    }

    #[test]
    fn a_band_that_the_first_look_meets_moves_the_floor() {
        // Fails again around 2 GiB, a hundred times above what it needs elsewhere.
        let works = |value: u64| value >= 20 << 20 && !(1 << 30..3 << 30).contains(&value);
        let mut search = Search::new(Limit::AddressSpace, 64 << 10, 64 << 30);
        all(&mut search, 1, works);
        let floor = search.floor().expect("enough was tried");
        assert!((3 << 30..(3 << 30) * 103 / 100).contains(&floor), "{floor}");
        let below = search.works_below();
        assert!(below.contains(&(64 << 20)) && below.iter().all(|value| works(*value)), "{below:?}");
    }

    #[test]
    fn what_follows_no_rule_ends_all_the_same() {
        for seed in 0..50_u64 {
            let mut search = Search::new(Limit::AddressSpace, 64 << 10, 64 << 30);
            let luck = |value: u64| (value ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 0;
            let tried = all(&mut search, 2, luck);
            assert!(tried.len() <= MOST_RUNS + 4, "{} runs", tried.len());
        }
    }

    #[rstest]
    fn ways_to_fail_are_told_apart(#[values(1, 2, 4)] width: usize) {
        // Killed while it is loaded, then its libraries are not found room for, then it works: Debian's python3.
        let behaviour = |value: u64| match value >> 10 {
            0..7_200 => Behaviour::SilentDeath,
            7_200..14_000 => Behaviour::CleanError,
            _ => Behaviour::Works,
        };
        let mut search = Search::new(Limit::AddressSpace, 64 << 10, 64 << 30);
        let tried = behaving(&mut search, width, behaviour);
        let last_silent = tried.iter().filter(|value| behaviour(**value) == Behaviour::SilentDeath).max();
        assert!(last_silent.is_some_and(|value| value >> 10 > 6_000), "{last_silent:?}");
        assert!(tried.len() <= 21 + 3 * (width - 1), "{} runs", tried.len());
    }

    #[test]
    fn a_value_that_fails_once_is_not_enough() {
        let mut search = Search::new(Limit::OpenFiles, 1, 64);
        let mut first_at_ten = true;
        loop {
            let values = search.step(1);
            if values.is_empty() {
                break;
            }
            for value in values {
                let lucky = value == 10 && std::mem::take(&mut first_at_ten);
                search.record(value, alive(value > 10 || lucky));
            }
        }
        assert_eq!(search.floor(), Some(11));
    }

    #[test]
    fn a_stopped_search_asks_for_nothing() {
        let mut search = Search::new(Limit::Processes, 1, 100);
        for value in search.step(4) {
            search.record(value, Behaviour::Works);
        }
        search.stop();
        assert!(search.step(4).is_empty());
    }
}
