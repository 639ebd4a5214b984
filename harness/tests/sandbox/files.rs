//! Writing.

use std::fs;

use hookproof_harness::{AttemptKind, Ending};
use libtest_mimic::{Failed, Trial};

use crate::bare;
use crate::ensure;
use crate::scene::{Scene, each, has, me, refused, said, text};

/// Lines for a shell, each with the file in `outside` that it is about. All of them would change it, or make it.
const LINES: &[(&str, &str, &str)] = &[
    ("writing", "echo x > $OUT/file", "file"),
    ("appending", "echo x >> $OUT/file", "file"),
    ("creating", "echo x > $OUT/new", "new"),
    ("relative", "echo x > new", "new"),
    ("dots", "echo x > $IN/../outside/folder/.././new", "new"),
    ("through_a_link", "ln -s $OUT $IN/link && echo x > $IN/link/new", "new"),
    ("through_a_link_at_the_end", "ln -s $OUT/new $IN/link && echo x > $IN/link", "new"),
    ("folder", "mkdir $OUT/new", "new"),
    ("removing", "rm -f $OUT/file", "file"),
    ("removing_a_folder", "rmdir $OUT/folder", "folder"),
    ("moving_out", "mv $IN/file $OUT/new", "new"),
    ("moving_in", "mv $OUT/file $IN/new", "file"),
    ("renaming", "mv $OUT/file $OUT/new", "file"),
    ("linking", "ln $OUT/file $IN/new", "file"),
    ("symlink", "ln -s x $OUT/new", "new"),
    ("fifo", "mkfifo $OUT/new", "new"),
    ("mode", "chmod 600 $OUT/file", "file"),
    ("time", "touch -d 2001-01-01 $OUT/file", "file"),
    ("length", "truncate -s 1 $OUT/file", "file"),
    ("grandchild", "sh -c 'sh -c \"echo x > $OUT/new\"'", "new"),
    ("daemon", "setsid sh -c 'echo x > $OUT/new' & sleep 0.3; false", "new"),
];

pub(crate) fn add(trials: &mut Vec<Trial>) {
    for (name, line, file) in LINES {
        each_line(trials, name, line, file);
    }
    each(trials, "what_may_be_written_is", what_may_be_written_is);
    each(trials, "nothing_is_an_attempt_that_would_change_nothing", nothing_that_would_change_nothing);
    each(trials, "streams_and_devices_stay", streams_and_devices_stay);
    each(trials, "python", python);
    each(trials, "many_calls", many_calls);
    each(trials, "a_static_program", a_static_program);
    each(trials, "calls_of_32_bit_programs_are_landlocks", calls_of_32_bit_programs);
    each(trials, "attempts_are_counted_and_bounded", attempts_are_bounded);
    each(trials, "proc_is_not_written", proc_is_not_written);
    each(trials, "nobody_outside_is_signaled", nobody_outside_is_signaled);
    each(trials, "allowed_files", allowed_files);
}

fn each_line(trials: &mut Vec<Trial>, name: &str, line: &'static str, file: &'static str) {
    for (prefix, choice) in crate::scene::MECHANISMS {
        let test = move || {
            let scene = Scene::new(choice)?;
            let before = state(&scene);
            let (observation, report) = scene.shell(line)?;
            ensure(observation.ending != Ending::Exited { code: 0 }, || said(&observation))?;
            ensure(state(&scene) == before, || format!("{} is not as it was: {:?}", file, state(&scene)))?;
            let expected = scene.outside().join(file).display().to_string();
            let targets = refused(&report, AttemptKind::Write);
            ensure(targets == [expected], || format!("{:?}, {}", report.attempts, said(&observation)))
        };
        trials.push(Trial::test(format!("{prefix}::refused_{name}"), test));
    }
}

/// Everything about `outside` that could change.
fn state(scene: &Scene) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut all: Vec<String> = fs::read_dir(scene.outside())
        .expect("a folder")
        .flatten()
        .map(|entry| {
            let facts = entry.metadata().expect("is there");
            let (name, content) = (entry.file_name(), text(&entry.path()));
            format!("{name:?} {:o} {} {} {content}", facts.mode(), facts.nlink(), facts.mtime())
        })
        .collect();
    all.sort();
    all
}

fn what_may_be_written_is(scene: &Scene) -> Result<(), Failed> {
    let line = "cd $IN && echo x > new && echo y >> file && mkdir -p a/b/c && mv new a/b/ && ln -s a l && echo z > l/z \
                && ln file hard && mkfifo f && chmod 600 file && touch -d 2001-01-01 file && truncate -s 3 file \
                && rm a/z && rm -r a && echo fine";
    let (observation, report) = scene.shell(line)?;
    ensure(observation.stdout.bytes == b"fine\n", || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    ensure(text(&scene.inside().join("file")) == "bef", || "the file has other content".into())
}

fn nothing_that_would_change_nothing(scene: &Scene) -> Result<(), Failed> {
    let line = "cat $OUT/file; mkdir -p $OUT/folder; rm -f $OUT/no; echo x > $OUT/no/no; rmdir $OUT/no; mv $OUT/no $IN; \
                chmod 1 $OUT/no; [ -w $OUT/file ]; ls -l $OUT; exit 0";
    let (observation, report) = scene.shell(line)?;
    ensure(observation.stdout.bytes.starts_with(b"before"), || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))
}

fn streams_and_devices_stay(scene: &Scene) -> Result<(), Failed> {
    let line = "echo a > /dev/stdout && echo b > /dev/stderr && echo c > /proc/self/fd/1 && echo d > /dev/null \
                && echo e > /dev/fd/2 && echo f > /dev/shm/hookproof-$$ && rm /dev/shm/hookproof-$$";
    let (observation, report) = scene.shell(line)?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    ensure(observation.stdout.bytes == b"a\nc\n" && observation.stderr.bytes == b"b\ne\n", || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))
}

fn python(scene: &Scene) -> Result<(), Failed> {
    if !has("python3") {
        return Ok(());
    }
    fs::write(
        scene.inside().join("try.py"),
        "import os, sys, tempfile, multiprocessing\n\
         out, inside = os.environ['OUT'], os.environ['IN']\n\
         with tempfile.NamedTemporaryFile(dir=inside) as f: f.write(b'x')\n\
         multiprocessing.Lock()\n\
         for what in (lambda: open(out + '/new', 'w'), lambda: os.makedirs(out + '/a/b'), lambda: os.utime(out + '/file'),\n\
         \x20            lambda: os.remove(out + '/file'), lambda: os.setxattr(out + '/file', 'user.x', b'y')):\n\
         \x20   try: what()\n\
         \x20   except PermissionError: continue\n\
         \x20   sys.exit('was let')\n",
    )?;
    let command = hookproof_harness::HookCommand::new("python3").arg(scene.inside().join("try.py"));
    let (observation, report) = scene.run(command, scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    let expected = ["new", "a", "file"].map(|name| scene.outside().join(name).display().to_string());
    ensure(refused(&report, AttemptKind::Write) == expected, || format!("{:?}", report.attempts))
}

/// Every call that a shell does not make by itself.
fn many_calls(scene: &Scene) -> Result<(), Failed> {
    let (observation, report) = scene.run(me("every-call"), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    let called: Vec<&str> = report.attempts.iter().map(|a| a.call.as_str()).collect();
    let expected = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
    let expected: Vec<&str> = expected.split_ascii_whitespace().collect();
    ensure(expected.len() > 10 && called == expected, || format!("{called:?} instead of {expected:?}"))
}

fn a_static_program(scene: &Scene) -> Result<(), Failed> {
    let Some(program) = bare::opening(&scene.outside().join("new")) else {
        return Ok(());
    };
    let (observation, report) = scene.run(bare::command(&scene.inside(), &program)?, scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: libc::EACCES }, || said(&observation))?;
    let expected = scene.outside().join("new").display().to_string();
    ensure(refused(&report, AttemptKind::Write) == [expected], || format!("{:?}", report.attempts))
}

fn calls_of_32_bit_programs(scene: &Scene) -> Result<(), Failed> {
    let Some(program) = bare::opening_by_32_bit_call(&scene.outside().join("new")) else {
        return Ok(());
    };
    let (observation, _) = scene.run(bare::command(&scene.inside(), &program)?, scene.sandbox())?;
    // A kernel without such calls ends the program by a signal.
    ensure(observation.ending != Ending::Exited { code: 0 }, || said(&observation))?;
    ensure(!scene.outside().join("new").exists(), || "it was made".into())
}

fn attempts_are_bounded(scene: &Scene) -> Result<(), Failed> {
    let line = "i=0; while [ $i -lt 300 ]; do echo > $OUT/n$i; echo > $OUT/same; i=$((i+1)); done";
    let (observation, report) = scene.shell(&format!("set +e; ({line}) 2>/dev/null; exit 0"))?;
    ensure(report.attempts.len() == 256 && report.dropped == 45, || {
        format!("{} and {}, {}", report.attempts.len(), report.dropped, said(&observation))
    })?;
    let same = report.attempts.iter().find(|a| a.target.ends_with("/same")).map(|a| a.times);
    ensure(same == Some(300), || format!("{same:?}"))
}

fn proc_is_not_written(scene: &Scene) -> Result<(), Failed> {
    let line =
        "echo 7 > /proc/self/oom_score_adj && echo own; echo 7 > /proc/$PPID/oom_score_adj && echo other; exit 0";
    let (observation, report) = scene.shell(line)?;
    ensure(observation.stdout.bytes.is_empty(), || said(&observation))?;
    let targets = refused(&report, AttemptKind::Write);
    ensure(targets.len() == 1 && targets[0].ends_with("/oom_score_adj"), || format!("{targets:?}"))
}

fn nobody_outside_is_signaled(scene: &Scene) -> Result<(), Failed> {
    let line = "sleep 9 & kill $! && echo own; kill -0 $PPID || echo kept";
    let (observation, _) = scene.shell(line)?;
    ensure(observation.stdout.bytes == b"own\nkept\n", || said(&observation))
}

fn allowed_files(scene: &Scene) -> Result<(), Failed> {
    let sandbox = scene.sandbox().writable(scene.outside().join("file")).writable(scene.outside().join("missing"));
    let command = hookproof_harness::HookCommand::shell("echo x > $OUT/file && echo y > $OUT/other || echo no");
    let (observation, report) = scene.run(command, sandbox)?;
    ensure(observation.stdout.bytes == b"no\n", || said(&observation))?;
    ensure(text(&scene.outside().join("file")) == "x\n", || "it was not written".into())?;
    ensure(report.gaps.iter().any(|gap| gap.contains("missing")), || format!("{:?}", report.gaps))
}
