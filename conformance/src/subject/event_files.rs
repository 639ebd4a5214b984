//! Files that are hooks themselves, named after their events.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hookproof_harness::Invocation;

use super::discover::{Found, Search};
use super::host::Host;
use super::lint;
use super::name::stem;
use super::notice::Remark;
use super::placeholder::PROJECT_AT_RUN;
use super::shebang::Shebang;
use super::sheet::{Home, Scope};
use super::source::Source;
use super::{Origin, Subject};
use crate::contract::{Dialect, EventFiles, Project};
use crate::requirement::Level;
use crate::suggest::misspelled;

/// Reads the files of a folder.
pub(crate) fn read(
    search: &Search<'_>,
    dialect: &Dialect,
    files: &[PathBuf],
    project: Option<&Path>,
    found: &mut Found,
) {
    let Some(kinds) = &dialect.event_files else {
        return;
    };
    let root = dialect.project.iter().flat_map(Project::roots);
    let root = root.map(|root| (root.clone(), PROJECT_AT_RUN.to_owned()));
    let scope = Scope {
        contract: search.contract,
        dialect,
        host: search.host,
        home: Home::Settings,
        variables: root.collect(),
        environment: BTreeMap::new(),
        project: project.map(Path::to_owned),
        plugin: None,
        in_front_matter: false,
        has: search.has,
        given: search.given.clone(),
        renames: BTreeMap::new(),
    };
    for file in files.iter().filter(|file| file.is_file()) {
        let Some(source) = found.take(file, Source::script(file)) else {
            continue;
        };
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some((event, ending)) = event_of(&scope, kinds, &name) else {
            if let Some(remark) = unread(&scope, kinds, &name) {
                found.notices.add(&source, 0, remark);
            }
            continue;
        };
        let remarks = if kinds.reads_shebang { Vec::new() } else { lint::script::remarks(&scope, file, true, "") };
        // What may not be executed is passed over, and is no hook.
        let starts = !remarks.iter().any(|remark| remark.requirement == "config.not-executable");
        for remark in remarks {
            found.notices.add(&source, 0, remark);
        }
        if !starts {
            continue;
        }
        let subject = Subject {
            name: found.names.next(&event, &stem(&name)),
            origin: Origin::Config { file: file.clone(), line: 1, column: 1 },
            invocation: invocation(kinds, file, &ending),
            display: scope.host.quoted(&file.display().to_string()),
            environment: scope.variables.clone(),
            quotes_placeholders: false,
            event: Some(event),
            matcher: None,
            timeout: None,
            handler: BTreeMap::new(),
            project: scope.project.clone(),
            folder: None,
            heavy: None,
            worker: None,
        };
        found.subjects.push(subject);
    }
}

fn endings<'d>(scope: &Scope<'_>, kinds: &'d EventFiles) -> &'d [String] {
    if scope.host == Host::Windows { &kinds.endings_windows } else { &kinds.endings }
}

/// The event of a file, and the ending of its name.
fn event_of(scope: &Scope<'_>, kinds: &EventFiles, name: &str) -> Option<(String, String)> {
    endings(scope, kinds).iter().find_map(|ending| {
        let event = scope.event(name.strip_suffix(ending.as_str())?)?;
        Some((event.name.clone(), ending.clone()))
    })
}

/// What is to be said of a file that is none of the hooks, if it looks like one.
fn unread(scope: &Scope<'_>, kinds: &EventFiles, name: &str) -> Option<Remark> {
    let plain = name.split('.').next().unwrap_or(name);
    let dialect = scope.dialect;
    if let Some(event) = scope.event(plain) {
        let endings: Vec<String> =
            endings(scope, kinds).iter().map(|ending| format!("{}{ending}", event.name)).collect();
        return Some(Remark {
            requirement: "config.file-not-read",
            level: Some(Level::Must),
            evidence: scope.weigh(&kinds.basis()),
            message: format!("{name} is no name of a hook"),
            consequence: format!("{} does not run it, and says nothing", scope.platform()),
            help: format!("call the file {}", endings.join(" or ")),
        });
    }
    let events = scope.contract.events.keys().map(String::as_str);
    let meant = dialect.events.means.contains_key(plain) || dialect.events.never_fired.iter().any(|own| own == plain);
    (meant || misspelled(plain, events).is_some()).then(|| lint::unknown_event::remark(scope, plain))
}

/// How the platform starts a file.
fn invocation(kinds: &EventFiles, file: &Path, ending: &str) -> Invocation {
    let shebang = Shebang::of(file).filter(|_| kinds.reads_shebang);
    let interpreter = shebang.map(|shebang| shebang.words().to_vec());
    let interpreter = interpreter.or_else(|| kinds.interpreter.get(ending).cloned()).unwrap_or_default();
    let Some((program, words)) = interpreter.split_first() else {
        return Invocation::Program { program: file.to_owned(), args: Vec::new() };
    };
    let mut args: Vec<_> = words.iter().map(Into::into).collect();
    args.push(file.as_os_str().to_owned());
    Invocation::Program { program: PathBuf::from(program), args }
}
