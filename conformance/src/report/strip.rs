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
        let mut seen: Vec<Option<Behaviour>> = vec![None; columns];
        for point in &found.points {
            let column = &mut seen[strip.place(point.value, columns)];
            *column = Some(column.map_or(point.behaviour, |known| known.max(point.behaviour)));
        }
        let between = |place: usize| {
            let below = seen[..place].iter().rev().flatten().next();
            let above = seen[place..].iter().flatten().next();
            below.filter(|below| above == Some(below)).copied()
        };
        strip.columns = (0..columns)
            .map(|place| Column { behaviour: seen[place].or_else(|| between(place)), tried: seen[place].is_some() })
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
