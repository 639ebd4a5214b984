//! The index of what the guard knows: every known word under every spelling that is one slip of a finger away.
//!
//! It is a folder with a file a part and a manifest, which is written last and has the length and a sum of each part. An
//! index without a manifest, or that differs from it, is none.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::guard;

/// Grows with every change of the format, so that an index of another version is built anew.
const FORMAT: u32 = 1;
/// The file that makes a folder an index.
const MANIFEST: &str = "manifest.json";
/// No part is longer; what is, is not read.
const LONGEST_PART: u64 = 64 * 1024 * 1024;
/// Bits of the table that tells spellings which were there already, a power of two. It takes 16 MiB, and stands for what
/// heavy preparations take elsewhere.
const TABLE_BITS: u64 = 1 << 27;

/// The manifest.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    parts: BTreeMap<String, Sum>,
}

/// What a part must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    entries: u64,
    bytes: u64,
    fnv1a: u64,
}

/// Why something is no index, or none could be made. Each message finishes the sentence "failed to ...".
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// A file cannot be read or written.
    #[error("{what} {name}: {error}")]
    File {
        /// Read or write.
        what: &'static str,
        /// The file's name in the index.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// The manifest is not one, or of another version.
    #[error("read the manifest: it is broken or of another version")]
    Manifest,
    /// A part is not what the manifest says.
    #[error("trust the part {0}: it is not what the manifest says")]
    Differs(String),
    /// There is no part of this name.
    #[error("build the part {0:?}: there is no such part")]
    NoSuchPart(String),
    /// There was no memory for the table.
    #[error("build the part {0:?}: there is not enough memory")]
    NoMemory(String),
}

impl IndexError {
    /// Whether it is for want of memory.
    pub(crate) fn is_no_memory(&self) -> bool {
        match self {
            Self::NoMemory(_) => true,
            Self::File { error, .. } => crate::platform::is_no_memory(error),
            _ => false,
        }
    }
}

fn reading(name: &str) -> impl FnOnce(io::Error) -> IndexError {
    move |error| IndexError::File { what: "read", name: name.to_owned(), error }
}

fn writing(name: &str) -> impl FnOnce(io::Error) -> IndexError {
    move |error| IndexError::File { what: "write", name: name.to_owned(), error }
}

/// The names of the parts.
pub(crate) fn parts() -> impl Iterator<Item = &'static str> {
    guard::knowledge().into_iter().map(|(name, _)| name)
}

fn file_name(part: &str) -> String {
    format!("{part}.txt")
}

/// Checks an index and counts its entries.
///
/// # Errors
///
/// Returns an [`IndexError`] if it is not whole.
pub(crate) fn check(folder: &Path) -> Result<u64, IndexError> {
    let text = fs::read(folder.join(MANIFEST)).map_err(reading(MANIFEST))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| IndexError::Manifest)?;
    if manifest.format != FORMAT || !parts().eq(manifest.parts.keys().map(String::as_str)) {
        return Err(IndexError::Manifest);
    }
    for (part, sum) in &manifest.parts {
        if sum_of(folder, part)? != *sum {
            return Err(IndexError::Differs(part.clone()));
        }
    }
    Ok(manifest.parts.values().map(|sum| sum.entries).sum())
}

fn sum_of(folder: &Path, part: &str) -> Result<Sum, IndexError> {
    let name = file_name(part);
    let path = folder.join(&name);
    let length = fs::metadata(&path).map_err(reading(&name))?.len();
    if length > LONGEST_PART {
        return Err(IndexError::Differs(part.to_owned()));
    }
    let bytes = fs::read(&path).map_err(reading(&name))?;
    let entries = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    Ok(Sum { entries, bytes: bytes.len() as u64, fnv1a: fnv1a(&bytes) })
}

/// Makes the folder an index whose parts are all there.
///
/// # Errors
///
/// Returns an [`IndexError`] if a part is missing or the manifest cannot be written.
pub(crate) fn seal(folder: &Path) -> Result<(), IndexError> {
    let parts = parts().map(|part| Ok((part.to_owned(), sum_of(folder, part)?))).collect::<Result<_, IndexError>>()?;
    let text = serde_json::to_vec(&Manifest { format: FORMAT, parts }).map_err(|_| IndexError::Manifest)?;
    fs::write(folder.join(MANIFEST), text).map_err(writing(MANIFEST))
}

/// Builds one part.
///
/// # Errors
///
/// Returns an [`IndexError`] if there is no such part, no memory, or no place for it.
pub(crate) fn build(folder: &Path, part: &str) -> Result<(), IndexError> {
    let known = guard::knowledge().into_iter().find(|(name, _)| *name == part);
    let (_, words) = known.ok_or_else(|| IndexError::NoSuchPart(part.to_owned()))?;
    let mut table = Table::new().ok_or_else(|| IndexError::NoMemory(part.to_owned()))?;
    let name = file_name(part);
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(fs::File::create_new(folder.join(&name))?);
        for word in words {
            for spelling in spellings(word) {
                if table.is_new(fnv1a(spelling.as_bytes()) ^ fnv1a(word.as_bytes()).rotate_left(17)) {
                    writeln!(file, "{spelling}\t{word}")?;
                }
            }
        }
        file.into_inner().map_err(io::IntoInnerError::into_error).map(drop)
    };
    write().map_err(writing(&name))
}

/// A word and everything that comes of one slip: a letter too few, too many, another, or two the wrong way round.
fn spellings(word: &str) -> impl Iterator<Item = String> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    let letters: Vec<char> = word.chars().collect();
    let joined = |parts: [&[char]; 3]| parts.concat().into_iter().collect::<String>();
    let mut all = vec![word.to_owned()];
    for at in 0..=letters.len() {
        let (head, tail) = letters.split_at(at);
        for letter in LETTERS.chars() {
            all.push(joined([head, &[letter], tail]));
            if let Some((_, rest)) = tail.split_first() {
                all.push(joined([head, &[letter], rest]));
            }
        }
        if let [first, rest @ ..] = tail {
            all.push(joined([head, &[], rest]));
            if let [second, rest @ ..] = rest {
                all.push(joined([head, &[*second, *first], rest]));
            }
        }
    }
    all.into_iter()
}

/// A set of numbers that may take two for one, never one for none.
struct Table(Vec<u64>);

impl Table {
    fn new() -> Option<Self> {
        let words = usize::try_from(TABLE_BITS / 64).ok()?;
        let mut bits = Vec::new();
        bits.try_reserve_exact(words).ok()?;
        // Written, not only reserved: memory counts when it is touched.
        bits.resize(words, 0);
        Some(Self(bits))
    }

    fn is_new(&mut self, number: u64) -> bool {
        let bit = number % TABLE_BITS;
        let Some(word) = usize::try_from(bit / 64).ok().and_then(|at| self.0.get_mut(at)) else { return true };
        let mask = 1 << (bit % 64);
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }
}

/// FNV-1a over 64 bits: it tells torn files from whole ones, and is no protection against people.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn built() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for part in parts() {
            build(folder.path(), part).expect("built");
        }
        seal(folder.path()).expect("sealed");
        folder
    }

    #[test]
    fn a_whole_index_is_one() {
        let folder = built();
        let entries = check(folder.path()).expect("whole");
        assert!(entries > 1_000, "{entries}");
        let places = fs::read_to_string(folder.path().join("places.txt")).expect("read");
        for line in ["etc\tetc", "ect\tetc", "et\tetc", "etcc\tetc"] {
            assert!(places.lines().any(|found| found == line), "{line:?}");
        }
    }

    #[rstest]
    #[case(|folder: &Path| fs::remove_file(folder.join(MANIFEST)))]
    #[case(|folder: &Path| fs::write(folder.join(MANIFEST), ""))]
    #[case(|folder: &Path| fs::write(folder.join(MANIFEST), "{\"format\":1,\"parts\":{}}"))]
    #[case(|folder: &Path| fs::remove_file(folder.join("places.txt")))]
    #[case(|folder: &Path| fs::write(folder.join("places.txt"), "etc\tetc\n"))]
    #[case(|folder: &Path| {
        let mut bytes = fs::read(folder.join("places.txt"))?;
        bytes[0] ^= 1;
        fs::write(folder.join("places.txt"), bytes)
    })]
    fn anything_less_is_none(#[case] damage: fn(&Path) -> io::Result<()>) {
        let folder = built();
        damage(folder.path()).expect("damaged");
        check(folder.path()).expect_err("no index");
    }

    #[test]
    fn parts_are_sorted_as_the_manifest_is() {
        assert!(parts().is_sorted());
        build(Path::new("."), "nothing").expect_err("no such part");
    }
}
