//! `config.timeout-unit`: a time limit in another unit than the platform's; `config.timeout-cut`: one above what an
//! event allows.

use crate::contract::TimeUnit;
use crate::requirement::Level;
use crate::subject::notice::{Notices, Remark};
use crate::subject::sheet::Handler;
use crate::subject::timeout;

/// Looks at a handler.
pub(crate) fn check(handler: &Handler<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let Some((known, written)) = scope.dialect.timeout.as_ref().zip(timeout::written(handler)) else {
        return;
    };
    let timeout::Written { key, number, seconds } = written;
    let unit = match known.unit {
        TimeUnit::Seconds => "seconds",
        TimeUnit::Milliseconds => "milliseconds",
        TimeUnit::SecondsBelow1000 => "seconds below 1000 and in milliseconds from there on",
    };
    let (consequence, help) = if known.suspicious_above_s.is_some_and(|above| seconds > above) {
        (
            format!("{} waits {} for a hook that hangs", scope.platform(), long(seconds)),
            format!("if milliseconds are meant, write {}", number / 1000.0),
        )
    } else if seconds > 0.0 && known.suspicious_below_s.is_some_and(|below| seconds < below) {
        (
            format!(
                "{} stops the hook after {} ms, and hardly any has answered by then",
                scope.platform(),
                seconds * 1000.0
            ),
            format!("if seconds are meant, write {}", number * 1000.0),
        )
    } else {
        cut(handler, written, notices);
        return;
    };
    let remark = Remark {
        requirement: "config.timeout-unit",
        level: Some(Level::Should),
        evidence: scope.weigh(&known.basis()),
        message: format!("`{key}` is {number}, and is counted in {unit}"),
        consequence,
        help,
    };
    handler.remark(notices, key, remark);
}

fn cut(handler: &Handler<'_>, written: timeout::Written<'_>, notices: &mut Notices) {
    let scope = handler.scope();
    let event = &handler.group.event.name;
    let most = scope.dialect.timeout.as_ref().and_then(|known| Some((known, known.most_s.get(event)?)));
    let Some((known, most)) = most.filter(|(_, most)| written.seconds > **most) else {
        return;
    };
    let remark = Remark {
        requirement: "config.timeout-cut",
        level: Some(Level::Should),
        evidence: scope.weigh(&known.basis()),
        message: format!("`{}` is {}, and at {event} no hook gets more than {most} s", written.key, written.number),
        consequence: format!("{} stops the hook after {most} s", scope.platform()),
        help: format!("do what takes longer in the background, and write {most} at most"),
    };
    handler.remark(notices, written.key, remark);
}

/// A long time in words.
fn long(seconds: f64) -> String {
    const DAY: f64 = 86_400.0;
    if seconds >= 2.0 * DAY { format!("{:.0} days", seconds / DAY) } else { format!("{:.1} hours", seconds / 3600.0) }
}
