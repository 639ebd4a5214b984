//! The strip of a probed limit: its range by ratio, in columns, and how the hook behaves in each.

use hookproof_harness::Behaviour;

use crate::probe::Found;

/// A part of the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// How the hook behaves here: the worst that was seen, or what both neighbours show. `None` where they differ, so
    /// that it is not known.
    pub(super) behaviour: Option<Behaviour>,
    /// Whether a value in this part was tried.
    pub(super) tried: bool,
}

/// What was seen in a column: at its least value, at its largest, and in all.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: Behaviour,
    last: Behaviour,
    worst: Behaviour,
}

/// The strip of a limit in so many columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strip {
    pub(super) columns: Vec<Column>,
    least: u64,
    most: u64,
}

impl Strip {
    pub(super) fn of(found: &Found, columns: usize) -> Self {
        let columns = columns.max(1);
        let mut strip = Strip { columns: Vec::new(), least: found.least, most: found.most };
        let mut seen: Vec<Option<Seen>> = vec![None; columns];
        for point in &found.points {
            let place = strip.place(point.value, columns);
            let Some(column) = &mut seen[place] else {
                seen[place] = Some(Seen { first: point.behaviour, last: point.behaviour, worst: point.behaviour });
                continue;
            };
            column.last = point.behaviour;
            column.worst = column.worst.max(point.behaviour);
        }
        // What lies between is told by the next values on both sides, and not by the worst of their columns.
        let between = |place: usize| {
            let below = seen[..place].iter().rev().flatten().next()?.last;
            let above = seen[place..].iter().flatten().next()?.first;
            (below == above).then_some(below)
        };
        strip.columns = seen
            .iter()
            .enumerate()
            .map(|(place, seen)| Column {
                behaviour: seen.map_or_else(|| between(place), |seen| Some(seen.worst)),
                tried: seen.is_some(),
            })
            .collect();
        strip
    }

    /// The column of a value.
    pub(super) fn place(&self, value: u64, columns: usize) -> usize {
        let (least, most) = ((self.least.max(1) as f64).ln(), (self.most.max(1) as f64).ln());
        if most <= least {
            return 0;
        }
        let share = ((value.max(1) as f64).ln() - least) / (most - least);
        ((share * (columns - 1) as f64).round() as usize).min(columns - 1)
    }
}

/// The character of a behaviour, which tells it without colours.
pub(super) fn mark(behaviour: Option<Behaviour>) -> char {
    match behaviour {
        Some(Behaviour::Works) => '=',
        Some(Behaviour::CleanError) => 'e',
        Some(Behaviour::LoudCrash) => '!',
        Some(Behaviour::SilentDeath) => 'x',
        Some(Behaviour::Hang) => 'o',
        None => '.',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::probe_samples::{interpreter, island};

    fn drawn(found: &Found, columns: usize) -> (String, String) {
        let strip = Strip::of(found, columns);
        let tried = strip.columns.iter().map(|column| if column.tried { '^' } else { ' ' }).collect();
        (strip.columns.iter().map(|column| mark(column.behaviour)).collect(), tried)
    }

    #[test]
    fn a_strip_shows_what_was_seen_and_what_is_not_known() {
        let (marks, tried) = drawn(&interpreter(), 41);
        assert_eq!(marks, "xxxxxxxxxxxxeeee=========================");
        assert_eq!(tried, "^          ^^  ^                        ^");
    }

    #[test]
    fn an_island_is_seen() {
        let (marks, _) = drawn(&island(), 64);
        let kinds: String = marks
            .chars()
            .fold(String::new(), |kinds, c| if kinds.ends_with(c) { kinds } else { kinds + &c.to_string() });
        assert_eq!(kinds, "e.=.o.=");
    }

    #[test]
    fn every_width_has_its_columns_and_the_worst_wins_a_column() {
        for columns in 1..200 {
            assert_eq!(Strip::of(&interpreter(), columns).columns.len(), columns);
        }
        assert_eq!(drawn(&island(), 1).0, "o");
        let mut one_value = island();
        one_value.least = one_value.most;
        assert_eq!(drawn(&one_value, 5).0.chars().next(), Some('o'));
    }

    #[test]
    fn marks_differ() {
        let all =
            [Behaviour::Works, Behaviour::CleanError, Behaviour::LoudCrash, Behaviour::SilentDeath, Behaviour::Hang];
        let mut marks: Vec<char> = all.map(|one| mark(Some(one))).into_iter().chain([mark(None)]).collect();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), all.len() + 1);
    }
}
