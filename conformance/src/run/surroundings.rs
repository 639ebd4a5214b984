//! The folders and the environment of a run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use hookproof_harness::{Environment, Observation};

use super::mirror;
use super::state::{Listing, State};
use super::tree::{Shape, Shelf, Transcript, Tree};
use crate::contract::{Contract, Event, Variable};
use crate::payload::Payload;
use crate::plan::{Folder, RefuseSpec, Refused, Scenario};
use crate::subject::{Subject, executable};

/// The directories of a case. They go back to the worker when the value is dropped.
pub(super) struct Surroundings {
    /// `None` only while the value is dropped.
    tree: Option<Tree>,
    shelf: Shelf,
    taken: SystemTime,
    /// Somebody may still write to the directories.
    unfit: AtomicBool,
    base: PathBuf,
    pub(super) home: PathBuf,
    pub(super) project: PathBuf,
    pub(super) cwd: PathBuf,
    temp: PathBuf,
    session: PathBuf,
    state: PathBuf,
    pub(super) plugin_data: PathBuf,
    startup: Option<PathBuf>,
}

impl Surroundings {
    pub(super) fn new(
        shelf: &Shelf,
        contract: &Contract,
        payload: &Payload,
        scenario: &Scenario,
        subject: &Subject,
    ) -> io::Result<Self> {
        let odd = scenario.folder == Folder::Odd || payload.is("hostile");
        let is_elsewhere = scenario.folder == Folder::Elsewhere;
        let tree = shelf.take(Shape {
            odd,
            elsewhere: is_elsewhere,
            original: subject.project.clone(),
            named: mirror::named(subject),
            transcript: Transcript::of(contract, payload, odd),
        })?;
        let taken = SystemTime::now();
        // What the configuration says goes before where the session stands; a folder that is not there changes nothing.
        let named = subject.folder.as_ref().map(|folder| tree.project.join(folder)).filter(|folder| folder.is_dir());
        let cwd = named.unwrap_or_else(|| if is_elsewhere { tree.elsewhere.clone() } else { tree.project.clone() });
        let mut surroundings = Surroundings {
            base: tree.base.clone(),
            home: tree.home.clone(),
            project: tree.project.clone(),
            cwd,
            temp: tree.temp.clone(),
            session: tree.session.clone(),
            state: tree.state.clone(),
            plugin_data: tree.plugin_data.clone(),
            startup: None,
            tree: Some(tree),
            shelf: shelf.clone(),
            taken,
            unfit: AtomicBool::new(false),
        };
        if let Some(script) = subject.made_executable(contract, &surroundings.project, &surroundings.cwd) {
            executable::let_run(&script)?;
        }
        if let Some(text) = &scenario.environment.startup_prints {
            let file = surroundings.base.join("startup.sh");
            fs::write(&file, format!("echo '{}'\n", text.replace('\'', "")))?;
            surroundings.startup = Some(file);
        }
        Ok(surroundings)
    }

    /// Keeps the directories from further runs if something of a hook may have got away, and may still write to them.
    pub(super) fn seen(&self, observed: &[Observation]) {
        let may_write = |one: &Observation| !one.leaks.descendants.is_empty() || one.mechanism.instead.is_some();
        if observed.iter().any(may_write) {
            self.unfit.store(true, Ordering::Relaxed);
        }
    }

    /// What lies outside of the folders that a hook may write to.
    pub(super) fn elsewhere(&self) -> Listing {
        let own = [&self.home, &self.project, &self.temp, &self.session, &self.state, &self.plugin_data];
        Listing::of(&self.base, &own.map(PathBuf::as_path))
    }

    /// The folder that holds all of the run's.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// The folders that take nothing, and why.
    pub(super) fn refused(&self, spec: &RefuseSpec) -> Vec<(&Path, Refused)> {
        let remembered = [&self.state, &self.session, &self.plugin_data];
        let folders = [(&self.home, spec.home), (&self.project, spec.project), (&self.temp, spec.temporary)];
        let folders = folders.into_iter().chain(remembered.map(|folder| (folder, spec.state)));
        folders.filter_map(|(folder, how)| Some((folder.as_path(), how?))).collect()
    }

    /// The folders for temporary files.
    pub(super) fn temporary(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.temp.as_path())
    }

    /// Whether a path below the folder that holds all others is one for temporary files.
    pub(super) fn is_temporary(&self, path: &str) -> bool {
        let path = self.base.join(path);
        self.temporary().any(|folder| path.starts_with(folder))
    }

    /// Everything that lies in the folders of the run.
    pub(super) fn listing(&self) -> Listing {
        Listing::of(&self.base, &[])
    }

    /// A path in the folders of the run without what is above them; the project is called so, wherever it lies.
    pub(super) fn told(&self, path: &Path) -> String {
        let own = match path.strip_prefix(&self.project) {
            Ok(below) => Path::new("project").join(below),
            Err(_) => path.strip_prefix(&self.base).unwrap_or(path).to_owned(),
        };
        // Put together anew, a path has no separator at its end.
        own.components().collect::<PathBuf>().display().to_string()
    }

    /// What lies in all folders of the run together.
    pub(super) fn state(&self) -> State {
        State::of(&self.base)
    }

    /// The environment of the process: what every process needs, the platform's own variables, those of the
    /// configuration, what the scenario changes, and what belongs to the document (`given`).
    pub(super) fn environment(
        &self,
        contract: &Contract,
        event: &Event,
        subject: &Subject,
        scenario: &Scenario,
        given: &BTreeMap<String, String>,
        extra: &BTreeMap<OsString, OsString>,
    ) -> Environment {
        let spec = &scenario.environment;
        let mut environment = Environment::minimal();
        let mut set = |name: &str, value: OsString| {
            environment.set.insert(OsString::from(name), value);
        };
        // Nobody could do without: temporary files would lie among those of others, where a sandbox refuses them.
        for name in if cfg!(windows) { ["TMPDIR", "TEMP", "TMP"].as_slice() } else { &["TMPDIR"] } {
            set(name, self.temp.clone().into());
        }
        if !spec.bare {
            set("HOME", self.home.clone().into());
            set("LANG", "C.UTF-8".into());
            if cfg!(windows) {
                set("USERPROFILE", self.home.clone().into());
            }
            for (name, variable) in &contract.environment {
                if let Some(value) = self.platform_value(event, variable) {
                    set(name, value.into());
                }
            }
        }
        for (name, value) in &subject.environment {
            set(name, value.into());
        }
        if let Some(name) = subject.heavy.as_ref().and_then(|heavy| heavy.state_variable.as_ref()) {
            set(name, self.state.clone().into());
        }
        for (name, value) in &spec.set {
            set(name, value.into());
        }
        if let Some(startup) = &self.startup {
            set("BASH_ENV", startup.clone().into());
            set("ENV", startup.clone().into());
        }
        if spec.without_agent {
            for (name, _) in contract.environment.iter().filter(|(_, variable)| variable.names_agent) {
                environment.set.remove(&OsString::from(name));
            }
        }
        for (name, value) in given {
            environment.set.insert(OsString::from(name), OsString::from(value));
        }
        environment.set.extend(extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        for name in &spec.unset {
            environment.set.remove(&OsString::from(name));
            environment.inherit.retain(|inherited| *inherited != **name);
        }
        environment
    }

    fn platform_value(&self, event: &Event, variable: &Variable) -> Option<String> {
        let here = variable.events.is_empty() || variable.events.contains(&event.name);
        variable.value.as_ref().filter(|_| variable.exists && here).map(|value| self.fill(value))
    }

    /// `text` with the folders of the run in place of their names.
    fn fill(&self, text: &str) -> String {
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        text.replace("{project}", &shown(&self.project))
            .replace("{home}", &shown(&self.home))
            .replace("{session}", &shown(&self.session))
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        if let Some(tree) = self.tree.take()
            && !self.unfit.load(Ordering::Relaxed)
        {
            self.shelf.put_back(tree, self.taken);
        }
    }
}
