//! One hook, many platforms: what the same program is worth on each.
//!
//! The hook is run with each platform's own documents for the same situations; [`Matrix::of`] compares what every
//! platform would do with what it would do on the hook's home platform. All of it is plain data.

mod cell;
mod move_notes;
mod situation;

pub use cell::{Cell, Fate, Seen};
pub use move_notes::{MoveNote, Topic};
pub use situation::{Asks, Situation, SituationsError};

use serde::Serialize;

use crate::contract::Contract;
use crate::payload::Payloads;
use crate::requirement::Catalogue;

/// What is known of a platform for a comparison.
#[derive(Debug)]
pub struct Side<'a> {
    /// Its contract.
    pub contract: &'a Contract,
    /// What was seen there, at most once a situation.
    pub seen: Vec<Seen>,
}

/// What one hook is worth on several platforms.
#[derive(Debug, Clone, Serialize)]
pub struct Matrix {
    /// The hook's home platform, with its version.
    pub from: String,
    /// The hook.
    pub hook: String,
    /// The situations, in order.
    pub situations: Vec<Situation>,
    /// The home platform first.
    pub platforms: Vec<Column>,
}

/// One platform of a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Its id, with its version.
    pub platform: String,
    /// Its name for people.
    pub title: String,
    /// One cell a situation.
    pub cells: Vec<Cell>,
    /// What has to change in the hook's configuration and in where it looks.
    pub notes: Vec<MoveNote>,
}

impl Matrix {
    /// Compares what was seen on `others` with what was seen on the home platform.
    pub fn of(
        hook: &str,
        home: &Side<'_>,
        others: &[Side<'_>],
        situations: &[Situation],
        payloads: &Payloads,
        catalogue: &Catalogue,
    ) -> Matrix {
        let name = |contract: &Contract| format!("{}@{}", contract.platform.id, contract.version);
        let column = |side: &Side<'_>| Column {
            platform: name(side.contract),
            title: side.contract.platform.title.clone(),
            cells: situations
                .iter()
                .map(|situation| cell::compare(situation, home, side, payloads, catalogue))
                .collect(),
            notes: move_notes::all(situations, home.contract, side.contract, payloads),
        };
        Matrix {
            from: name(home.contract),
            hook: hook.to_owned(),
            situations: situations.to_vec(),
            platforms: std::iter::once(home).chain(others).map(column).collect(),
        }
    }

    /// Whether something that the hook does at home is lost, or something happens that it does not mean.
    pub fn loses(&self) -> bool {
        self.platforms.iter().flat_map(|column| &column.cells).any(|cell| cell.fate.is_a_loss())
    }
}
