//! Programs that destroy what is not on this machine: clouds, clusters, databases.

use crate::guard::rule::Rule;
use crate::shell::Word;

/// A program, words that all stand among its arguments, and words of which one does; any will do where there are none.
struct Destroyer {
    programs: &'static [&'static str],
    words: &'static [&'static str],
    one_of: &'static [&'static str],
}

const DESTROYERS: &[Destroyer] = &[
    Destroyer { programs: &["terraform", "tofu"], words: &["destroy"], one_of: &["-auto-approve", "--auto-approve"] },
    Destroyer { programs: &["pulumi"], words: &["destroy"], one_of: &["--yes", "-y"] },
    Destroyer { programs: &["kubectl"], words: &["delete"], one_of: &["namespace", "namespaces", "ns", "--all"] },
    Destroyer { programs: &["aws"], words: &["s3", "rm", "--recursive"], one_of: &[] },
    Destroyer { programs: &["aws"], words: &["s3", "rb", "--force"], one_of: &[] },
    Destroyer { programs: &["gcloud"], words: &["delete"], one_of: &["--quiet", "-q"] },
];

/// Programs that send what their arguments say to a database, and what is not to be sent.
const DATABASES: &[&str] = &["psql", "mysql", "mariadb"];
const DROPS: &[[&str; 2]] = &[["drop", "table"], ["drop", "database"], ["drop", "schema"]];

/// The programs, in order.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    DESTROYERS.iter().flat_map(|known| known.programs).chain(DATABASES).copied()
}

pub(super) fn judge(name: &str, arguments: &[Word]) -> Option<Rule> {
    if DATABASES.contains(&name) {
        return arguments.iter().any(|word| drops(&word.text())).then_some(Rule::DropData);
    }
    let texts: Vec<String> = arguments.iter().map(Word::text).collect();
    let has = |wanted: &&str| texts.iter().any(|text| text == wanted);
    let destroys = |known: &&Destroyer| {
        known.programs.contains(&name)
            && known.words.iter().all(has)
            && (known.one_of.is_empty() || known.one_of.iter().any(has))
    };
    DESTROYERS.iter().find(destroys).map(|_| Rule::DestroyRemote)
}

/// Whether a text of SQL drops a table or more, wherever it says so.
fn drops(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.windows(2).any(|pair| DROPS.iter().any(|drop| pair == drop))
}
