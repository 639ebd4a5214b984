//! A made-up probe for the tests of reports.

use std::time::Duration;

use hookproof_harness::{Band, Behaviour, Ending, Limit, StartError};

use crate::probe::{Baseline, Closing, Found, Point, Probing};

const MIB: u64 = 1 << 20;

fn point(value: u64, behaviour: Behaviour, ending: Ending, ended: &str, said: Option<&str>) -> Point {
    Point {
        value,
        behaviour,
        ending,
        ended: ended.to_owned(),
        cause: None,
        said: said.map(str::to_owned),
        differs: if behaviour == Behaviour::Works { Vec::new() } else { vec!["the decision".to_owned()] },
        told: "Sample Agent at Gate goes on as if there were no hook".to_owned(),
        fails_open: behaviour != Behaviour::Works,
        unnoticed: false,
    }
}

fn exited(code: i32) -> Ending {
    Ending::Exited { code }
}

/// An interpreter that is killed while it is loaded, then complains, then works; and says things that would act on a page.
pub(super) fn interpreter() -> Found {
    let load = "not started: `py`: the system killed it by signal 11; limits in force: address-space 1 bytes";
    let error = StartError { os_error: None, step: "load the program".to_owned(), message: load.to_owned() };
    let killed = Ending::NotStarted { error };
    let points = vec![
        point(MIB, Behaviour::SilentDeath, killed.clone(), load, None),
        point(7 * MIB, Behaviour::SilentDeath, killed, load, None),
        point(8 * MIB, Behaviour::CleanError, exited(127), "exit code 127", Some("<b>no\u{1b}[31m room</b>")),
        point(13 * MIB, Behaviour::CleanError, exited(1), "exit code 1", Some("MemoryError & more")),
        point(14 * MIB, Behaviour::Works, exited(0), "exit code 0", None),
        point(1024 * MIB, Behaviour::Works, exited(0), "exit code 0", None),
    ];
    found(Limit::AddressSpace, (MIB, 1024 * MIB), points, Some(14 * MIB), Vec::new())
}

/// One that works, fails, and works again.
pub(super) fn island() -> Found {
    let hang = Ending::TimedOut { after: Duration::from_secs(4), killed_by: hookproof_harness::KillStep::Kill };
    let points = vec![
        point(1, Behaviour::CleanError, exited(1), "exit code 1", Some("Too many open files")),
        point(4, Behaviour::Works, exited(0), "exit code 0", None),
        point(9, Behaviour::Hang, hang, "still running after 4.0 s, and killed", None),
        point(10, Behaviour::Works, exited(0), "exit code 0", None),
        point(64, Behaviour::Works, exited(0), "exit code 0", None),
    ];
    found(Limit::OpenFiles, (1, 64), points, Some(10), vec![4])
}

fn found(
    limit: Limit,
    (least, most): (u64, u64),
    points: Vec<Point>,
    floor: Option<u64>,
    works_below: Vec<u64>,
) -> Found {
    let bands = Band::of(points.iter().map(|point| (point.value, point.behaviour)));
    Found {
        limit,
        unit: limit.unit().to_owned(),
        least,
        most,
        mechanism: Some("a test".to_owned()),
        not_enforced: None,
        floor,
        advised: floor.map(|floor| crate::quantity::with_margin(limit, floor)),
        already_used: None,
        worst: Band::worst_below(&bands, floor.unwrap_or(u64::MAX)).copied(),
        points,
        bands,
        works_below,
        interrupted: false,
    }
}

pub(super) fn baseline() -> Baseline {
    Baseline {
        hookproof: "1.2.3".to_owned(),
        hook: "guard '<script>alert(1)</script>'".to_owned(),
        platform: "sample".to_owned(),
        platform_title: "Sample Agent".to_owned(),
        version: "1.0".to_owned(),
        event: "Gate".to_owned(),
        payload: "rm".to_owned(),
        ending: "exit code 0".to_owned(),
        told: "Sample Agent at Gate does not go on with the step".to_owned(),
        wall: Duration::from_millis(30),
        cpu: Some(Duration::from_millis(20)),
        peak_memory: Some(9 * MIB),
        does_not_work: None,
        speaks: true,
        unsteady: vec!["the reason".to_owned()],
    }
}

pub(super) fn probing() -> Probing {
    let mut refused = found(Limit::Processes, (1, 512), Vec::new(), None, Vec::new());
    refused.mechanism = None;
    refused.not_enforced = Some("the superuser is exempt from it".to_owned());
    Probing {
        baseline: baseline(),
        limits: vec![interpreter(), island(), refused],
        closing: Closing {
            notes: vec!["real memory was not probed: nobody holds it".to_owned()],
            runs: 13,
            wall: Duration::from_secs(2),
            interrupted: false,
        },
    }
}
