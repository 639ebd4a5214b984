//! Changing the system, other processes, terminals, and the way of packets.

use std::os::unix::fs::PermissionsExt;

use hookproof_harness::{AttemptKind, Ending, HookCommand};
use libtest_mimic::{Failed, Trial};

use crate::ensure;
use crate::scene::{self, Scene, each, has, me, refused, said};

/// What a program does, with which arguments, the answer, the kind of attempt, and its target.
const REFUSED: &[(&str, &[&str], i32, AttemptKind, &str)] = &[
    ("mount", &[], libc::EPERM, AttemptKind::System, "mount (changes mounts or the root directory)"),
    ("host-name", &[], libc::EPERM, AttemptKind::System, "sethostname (changes the system for everybody)"),
    ("terminal-input", &[], libc::EPERM, AttemptKind::System, "the request 0x5412 to a terminal"),
    ("option", &["0", "4"], libc::EPERM, AttemptKind::System, "option 4 of a socket at level 0"),
    ("option", &["1", "25"], libc::EPERM, AttemptKind::System, "option 25 of a socket at level 1"),
    ("option", &["41", "57"], libc::EPERM, AttemptKind::System, "option 57 of a socket at level 41"),
    ("device-of-message", &["2"], libc::EPERM, AttemptKind::System, "control data of kind 8 at level 0"),
    ("raw-socket", &[], libc::EPERM, AttemptKind::Connect, "a socket of family 2, kind 3, protocol 1"),
    ("fast-open", &["203.0.113.1:9"], libc::ENETUNREACH, AttemptKind::Send, "203.0.113.1:9"),
];

pub(crate) fn add(trials: &mut Vec<Trial>) {
    for (what, arguments, answer, kind, target) in REFUSED {
        for (prefix, choice) in scene::MECHANISMS {
            let test = move || {
                let scene = Scene::new(choice)?;
                let command = arguments.iter().fold(me(what), |command, argument| command.arg(*argument));
                let (observation, report) = scene.run(command, scene.sandbox())?;
                ensure(observation.ending == Ending::Exited { code: *answer }, || said(&observation))?;
                ensure(refused(&report, *kind) == [*target], || format!("{:?}", report.attempts))
            };
            trials.push(Trial::test(format!("{prefix}::refused_{what}_{}", arguments.join("_")), test));
        }
    }
    each(trials, "other_processes_are_left_alone", other_processes_are_left_alone);
    each(trials, "own_processes_are_not", own_processes_are_not);
    each(trials, "attributes_of_files", attributes_of_files);
    each(trials, "root_reads_what_others_keep_private", root_reads_what_others_keep_private);
    each(trials, "requests_to_files", requests_to_files);
    each(trials, "usual_options_and_control_data", usual_options_and_control_data);
}

fn other_processes_are_left_alone(scene: &Scene) -> Result<(), Failed> {
    let own = std::process::id().to_string();
    for what in ["limit", "priority", "affinity"] {
        let (observation, report) = scene.run(me(what).arg(&own), scene.sandbox())?;
        ensure(observation.ending == Ending::Exited { code: libc::EPERM }, || said(&observation))?;
        ensure(refused(&report, AttemptKind::System) == [format!("process {own}")], || {
            format!("{what}: {:?}", report.attempts)
        })?;
    }
    Ok(())
}

fn own_processes_are_not(scene: &Scene) -> Result<(), Failed> {
    for what in ["limit", "priority", "affinity"] {
        let (observation, report) = scene.run(me(what).arg("0"), scene.sandbox())?;
        ensure(observation.ending == Ending::Exited { code: 0 }, || format!("{what}: {}", said(&observation)))?;
        ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    }
    if has("renice") {
        let line = "sleep 5 & renice -n 1 -p $! >/dev/null && nice true && ulimit -n 64 && kill $!";
        let (observation, report) = scene.shell(line)?;
        ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
        ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    }
    Ok(())
}

fn attributes_of_files(scene: &Scene) -> Result<(), Failed> {
    let file = scene.outside().join("file");
    let (observation, report) = scene.run(me("attributes").arg(&file), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: libc::EACCES }, || said(&observation))?;
    ensure(refused(&report, AttemptKind::Write) == [file.display().to_string()], || format!("{:?}", report.attempts))?;
    let (observation, report) = scene.run(me("attributes").arg(scene.inside().join("file")), scene.sandbox())?;
    // Not every file system has them.
    let fine = [0, libc::ENOTTY, libc::EOPNOTSUPP].map(|code| Ending::Exited { code });
    ensure(fine.contains(&observation.ending), || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))
}

/// A hook that lies in somebody else's home is no other hook because of the sandbox.
fn root_reads_what_others_keep_private(scene: &Scene) -> Result<(), Failed> {
    let home = scene.outside().join("folder");
    let script = home.join("hook.sh");
    std::fs::write(&script, "#!/bin/sh\necho it runs; id >/dev/null; sh -c 'cat \"$0\"' \"$0\" >/dev/null\n")?;
    for (path, mode) in [(&script, 0o700), (&home, 0o700)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        if std::os::unix::fs::chown(path, Some(65534), Some(65534)).is_err() {
            // Only root can give files away.
            return Ok(());
        }
    }
    let (observation, _) = scene.run(HookCommand::new(&script), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    let line = format!("echo x > {0}/new; echo x > {0}/hook.sh", home.display());
    let (observation, _) = scene.run(HookCommand::shell(&line), scene.sandbox())?;
    ensure(observation.ending != Ending::Exited { code: 0 }, || said(&observation))
}

/// Requests that change something by a descriptor that may only read are refused for files outside; those that read are not.
fn requests_to_files(scene: &Scene) -> Result<(), Failed> {
    let file = scene.outside().join("file").display().to_string();
    let folder = scene.outside().display().to_string();
    // FS_IOC_ENABLE_VERITY, FS_IOC_FSSETXATTR, FAT_IOCTL_SET_ATTRIBUTES, FS_IOC_SET_ENCRYPTION_POLICY, BTRFS_IOC_SUBVOL_CREATE.
    let changing = [
        (0x4080_6685_u32, &file),
        (0x401C_5820, &file),
        (0x4004_7211, &file),
        (0x800C_6613, &folder),
        (0x5000_940E, &folder),
    ];
    for (number, path) in changing {
        let (observation, report) = scene.run(me("request").arg(number.to_string()).arg(path), scene.sandbox())?;
        ensure(observation.ending == Ending::Exited { code: libc::EACCES }, || {
            format!("{number:#x}: {}", said(&observation))
        })?;
        ensure(refused(&report, AttemptKind::Write) == [path.clone()], || format!("{:?}", report.attempts))?;
    }
    // FS_IOC_GETFLAGS, FIGETBSZ.
    for number in [0x8008_6601_u32, 0x0002] {
        let (observation, report) = scene.run(me("request").arg(number.to_string()).arg(&file), scene.sandbox())?;
        ensure(observation.ending != Ending::Exited { code: libc::EACCES }, || {
            format!("{number:#x}: {}", said(&observation))
        })?;
        ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    }
    Ok(())
}

fn usual_options_and_control_data(scene: &Scene) -> Result<(), Failed> {
    for (what, arguments) in [("option", &["1", "2"][..]), ("option", &["0", "1"]), ("device-of-message", &["1"])] {
        let command = arguments.iter().fold(me(what), |command, argument| command.arg(*argument));
        let (observation, report) = scene.run(command, scene.sandbox())?;
        ensure(observation.ending == Ending::Exited { code: 0 }, || format!("{what}: {}", said(&observation)))?;
        ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    }
    Ok(())
}
