#![allow(unsafe_code)]
//! Situations about who is whose: children, sessions, and signals that do not do what they usually do.

use std::process::Command;
use std::thread;
use std::time::Duration;

use std::os::unix::process::CommandExt;

use super::stage::{
    Stage, await_end, close_streams, go_deaf, impossible, leave, on_terminate, quiet, raise, session, stay,
};
use super::{Ends, PATIENT, Situation};

/// How long a process lives that is replaced by another one.
const PAUSE: Duration = Duration::from_millis(3);

/// Children in the program's own session.
pub(super) fn children() -> Vec<Situation> {
    vec![
        Situation::new("background child", 2, |stage| {
            stage.child(|| stay());
            stay()
        })
        .stays(),
        Situation::new("background child of a hook that is gone", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
        })
        .leaves(1)
        .held(true),
        Situation::new("grandchild holds the pipe", 3, |stage| {
            let between = stage.child(|| {
                stage.child(|| stay());
            });
            await_end(between);
            stage.await_births(3);
        })
        .leaves(1)
        .held(true),
        Situation::new("own process group", 2, |stage| {
            stage.child(|| {
                own_group();
                stay()
            });
            stage.await_births(2);
        })
        .leaves(1)
        .held(true),
        Situation::new("job control of a shell", 3, |stage| {
            let line = format!("set -m; {0} & {0} & disown -a; exit 0", stage.member_line());
            let status = Command::new("/bin/bash").args(["-c", &line]).status();
            let Ok(status) = status else { impossible("there is no /bin/bash") };
            assert!(status.success(), "the shell failed");
            stage.await_births(3);
        })
        .leaves(2)
        .held(true),
        Situation::new("nested shells", 2, |stage| {
            let script = format!("sh -c \"sh -c \\\"{} & wait\\\" & wait\" & wait", stage.member_line());
            let error = Command::new("/bin/sh").args(["-c", &script]).exec();
            panic!("{error}");
        })
        .stays(),
        Situation::new("new id as fast as it can", 4, |stage| {
            stage.child(|| hop(stage, false, Duration::ZERO));
            stay()
        })
        .stays(),
        Situation::new("new id as fast as it can, hook gone", 4, |stage| {
            stage.child(|| {
                close_streams();
                hop(stage, false, Duration::ZERO);
            });
            stage.await_births(4);
        })
        .leaves(1),
        Situation::new("from process group to process group", 4, |stage| {
            // SAFETY: plain call.
            let first = unsafe { libc::getpgid(0) };
            for _ in 0..3 {
                stage.child(|| {
                    loop {
                        own_group();
                        thread::sleep(Duration::from_millis(1));
                        // SAFETY: plain call. Nobody may be there any more; then it stays in its own.
                        unsafe { libc::setpgid(0, first) };
                        thread::sleep(Duration::from_millis(1));
                    }
                });
            }
            stage.await_births(4);
        })
        .leaves(3)
        .held(true),
    ]
}

/// Sessions of their own.
pub(super) fn sessions() -> Vec<Situation> {
    vec![
        Situation::new("own session", 2, |stage| {
            stage.child(|| {
                session();
                stay()
            });
            stay()
        })
        .stays(),
        Situation::new("own session of a hook that is gone", 2, |stage| {
            stage.child(|| {
                session();
                stage.record();
                stay()
            });
            // The second line of the child: it has its session by then.
            stage.await_births(3);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("daemon", 3, |stage| {
            stage.daemon(|| {
                close_streams();
                let _ = std::env::set_current_dir("/");
                stay()
            });
            stage.await_births(3);
        })
        .leaves(1)
        .takes_sight(),
        Situation::new("daemon that keeps the streams", 3, |stage| {
            stage.daemon(|| stay());
            stage.await_births(3);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("wiped environment", 3, |stage| {
            stage.daemon(|| {
                let error = quiet(&mut Command::new("/bin/sleep")).arg("60").env_clear().current_dir("/").exec();
                panic!("{error}");
            });
            stage.await_births(3);
        })
        .leaves(1)
        .takes_sight(),
        Situation::new("new id and session every 3 ms", 4, |stage| {
            stage.child(|| hop(stage, true, PAUSE));
            stay()
        })
        .stays()
        .takes_sight(),
        Situation::new("new id and session every 3 ms, hook gone", 4, |stage| {
            stage.child(|| hop(stage, true, PAUSE));
            stage.await_births(4);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("new id and session as fast as it can", 4, |stage| {
            stage.child(|| hop(stage, true, Duration::ZERO));
            stay()
        })
        .stays()
        .takes_sight(),
        Situation::new("new id and session as fast as it can, hook gone", 4, |stage| {
            stage.child(|| hop(stage, true, Duration::ZERO));
            stage.await_births(4);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("orphans of orphans", 16, |stage| {
            orphans(stage, 5);
            stage.await_births(16);
        })
        .leaves(5)
        .held(true)
        .takes_sight(),
    ]
}

/// Signals that do not do what they usually do.
pub(super) fn signals() -> Vec<Situation> {
    vec![
        Situation::new("stopped children", 4, |stage| {
            for _ in 0..3 {
                stage.child(|| raise(libc::SIGSTOP));
            }
            stay()
        })
        .stays(),
        Situation::new("stopped hook", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            raise(libc::SIGSTOP);
            stay()
        })
        .stays(),
        Situation::new("killed hook", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            raise(libc::SIGKILL);
        })
        .ends(Ends::Signal(libc::SIGKILL))
        .leaves(1)
        .held(true),
        Situation::new("deaf to every signal but two", 3, |stage| {
            go_deaf();
            stage.child(|| stay());
            // Whoever counts births must not see the last one before we are deaf.
            stage.child(|| stay());
            stay()
        })
        .ends(Ends::Killed)
        .leaves(0),
        Situation::new("breeds when it is asked to end", 2, |stage| {
            on_terminate(|| {
                stage.child(|| {
                    session();
                    stay()
                });
            })
        })
        .ends(Ends::Killed)
        .leaves(0)
        .waits_to_be_asked(),
        Situation::new("leaves a daemon when it is asked to end", 3, |stage| {
            on_terminate(|| {
                stage.daemon(|| stay());
                stage.await_births(3);
                leave(0)
            })
        })
        .stays()
        .prepare(|command, _| command.grace(PATIENT))
        .leaves(1)
        .waits_to_be_asked()
        .takes_sight(),
    ]
}

fn own_group() {
    // SAFETY: plain call. A group leader is one already.
    unsafe { libc::setpgid(0, 0) };
}

/// Goes on as another process, and that one again as another; on demand in a session of its own.
fn hop(stage: &Stage, leave_session: bool, pause: Duration) {
    loop {
        thread::sleep(pause);
        // SAFETY: this process has one thread.
        if unsafe { libc::fork() } != 0 {
            leave(0);
        }
        if leave_session {
            session();
        }
        stage.record();
    }
}

/// Each generation is two processes: one that stays, and one that goes on in a session of its own.
fn orphans(stage: &Stage, generations: u32) {
    if generations > 0 {
        stage.daemon(|| {
            stage.child(|| stay());
            orphans(stage, generations - 1);
        });
    }
}
