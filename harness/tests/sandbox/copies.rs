//! Writes that go to copies.

use std::fs;

use hookproof_harness::{AttemptOutcome, Ending, HookCommand, Observation, SandboxReport};
use libtest_mimic::{Failed, Trial};

use crate::ensure;
use crate::scene::{Scene, each, has, said, text};

/// Lines for a shell that all succeed, each with the file below the copies that shows it, and what is in that.
const LINES: &[(&str, &str, &str, &str)] = &[
    ("writing", "echo x > $OUT/file", "file", "x\n"),
    ("appending", "echo x >> $OUT/file", "file", "beforex\n"),
    ("twice", "echo x >> $OUT/file && echo y >> $OUT/file", "file", "beforex\ny\n"),
    ("creating", "echo x > $OUT/new", "new", "x\n"),
    ("relative", "echo x > new", "new", "x\n"),
    ("directory", "mkdir $OUT/made && echo x > $OUT/made/new", "made/new", "x\n"),
    ("removing_and_making", "echo x > $OUT/new && rm $OUT/new && echo y > $OUT/new", "new", "y\n"),
    ("moving_out", "mv $IN/file $OUT/new && [ ! -e $IN/file ]", "new", "before"),
    ("moving_over", "echo x > $IN/file && mv -f $IN/file $OUT/file", "file", "x\n"),
    ("renaming", "echo x > $OUT/new && mv $OUT/new $OUT/newer", "newer", "x\n"),
    ("touching", "touch -d 2001-01-01 $OUT/new && chmod 600 $OUT/file && echo x > $OUT/new", "new", "x\n"),
    ("exclusive", "set -C; echo x > $OUT/new && ! echo y > $OUT/new", "new", "x\n"),
    ("grandchild", "sh -c 'sh -c \"echo x > $OUT/new\"'", "new", "x\n"),
];

pub(crate) fn add(trials: &mut Vec<Trial>) {
    for (name, line, file, content) in LINES {
        for (prefix, choice) in crate::scene::MECHANISMS {
            let test = move || {
                let scene = Scene::new(choice)?;
                let (observation, report) = copied(&scene, HookCommand::shell(*line))?;
                ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
                let copies = scene.copies().join(scene.outside().strip_prefix("/").expect("is absolute"));
                ensure(text(&copies.join(file)) == *content, || format!("{:?}", text(&copies.join(file))))?;
                ensure(text(&scene.outside().join("file")) == "before", || "the file itself has changed".into())?;
                ensure(!scene.outside().join("new").exists() && !scene.outside().join("made").exists(), || {
                    "it was made".into()
                })?;
                let all = report.attempts.iter().all(|attempt| attempt.outcome == AttemptOutcome::Copied);
                ensure(all && !report.attempts.is_empty(), || format!("{:?}", report.attempts))
            };
            trials.push(Trial::test(format!("{prefix}::copied_{name}"), test));
        }
    }
    each(trials, "what_has_no_copy_is_refused", what_has_no_copy_is_refused);
    each(trials, "no_path_leads_to_a_copy", no_path_leads_to_a_copy);
    each(trials, "python_writes_to_copies", python);
}

fn copied(scene: &Scene, command: HookCommand) -> Result<(Observation, SandboxReport), Failed> {
    scene.run(command.env("COPIES", scene.copies()), scene.sandbox().copies(scene.copies()))
}

fn what_has_no_copy_is_refused(scene: &Scene) -> Result<(), Failed> {
    let line = "ln -s x $OUT/link || mkfifo $OUT/pipe || ln $OUT/file $OUT/hard || mv $OUT/file $IN/new || echo none";
    let (observation, report) = copied(scene, HookCommand::shell(line))?;
    ensure(observation.stdout.bytes == b"none\n", || said(&observation))?;
    let refused = report.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::Refused).count();
    ensure(refused >= 3, || format!("{:?}", report.attempts))?;
    ensure(!scene.outside().join("link").exists() && text(&scene.outside().join("file")) == "before", || {
        "it was made".into()
    })
}

/// Not even a link that the program makes where it may, or one that takes the place of a directory.
fn no_path_leads_to_a_copy(scene: &Scene) -> Result<(), Failed> {
    fs::write(scene.copies().join("mine"), "before")?;
    let line =
        "ln -s $COPIES $IN/link && ! echo x > $IN/link/mine && ! ln -s / $COPIES/root && ! rm $COPIES/mine; echo fine";
    let (observation, _) = copied(scene, HookCommand::shell(line))?;
    ensure(observation.stdout.bytes.ends_with(b"fine\n"), || said(&observation))?;
    ensure(text(&scene.copies().join("mine")) == "before", || "a copy was written by its path".into())?;
    ensure(!scene.copies().join("root").exists(), || "a link was made among the copies".into())
}

fn python(scene: &Scene) -> Result<(), Failed> {
    if !has("python3") {
        return Ok(());
    }
    let program = "import os, json\n\
                   out = os.environ['OUT']\n\
                   os.makedirs(out + '/a/b', exist_ok=True)\n\
                   with open(out + '/a/b/log', 'a') as f: f.write('x')\n\
                   with open(out + '/state.tmp', 'w') as f: json.dump({}, f)\n\
                   os.replace(out + '/state.tmp', out + '/state')\n\
                   os.utime(out + '/file')\n";
    fs::write(scene.inside().join("try.py"), program)?;
    let (observation, report) = copied(scene, HookCommand::new("python3").arg(scene.inside().join("try.py")))?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    let all = report.attempts.iter().all(|attempt| attempt.outcome == AttemptOutcome::Copied);
    ensure(all && report.attempts.len() >= 5, || format!("{:?}", report.attempts))?;
    ensure(!scene.outside().join("a").exists(), || "it was made".into())
}
