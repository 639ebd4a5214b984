//! A probe as one HTML page that needs nothing else: no script, no font, no address.

use std::io::{self, Write};

use hookproof_harness::Behaviour;

use super::probe_words as words;
use super::strip::{Strip, mark};
use super::text::{count, visible};
use crate::probe::{Found, Point, Probing};

/// Parts that a strip is drawn in.
const COLUMNS: usize = 120;
const STYLE: &str = include_str!("probe_page.css");

/// Every behaviour with the name of its class, the best first.
const CLASSES: [(Behaviour, &str); 5] = [
    (Behaviour::Works, "works"),
    (Behaviour::CleanError, "clean"),
    (Behaviour::LoudCrash, "loud"),
    (Behaviour::SilentDeath, "silent"),
    (Behaviour::Hang, "hang"),
];

/// A probe as a page.
///
/// Nothing in it acts: texts of the hook are escaped, and control characters spelled out. It follows the reader's choice of
/// a dark or a light screen, and can be printed: marks and hatching tell what colours tell.
#[derive(Debug, Clone, Copy)]
pub struct ProbePage<'a>(pub &'a Probing);

impl ProbePage<'_> {
    /// Writes the page.
    ///
    /// # Errors
    /// What the writer underneath answers.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Probing { baseline, limits, closing } = self.0;
        let hook = safe(&baseline.hook);
        writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
        writeln!(out, "<title>hookproof probe: {hook}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>")?;
        writeln!(out, "<h1>What this hook needs</h1>\n<p><code>{hook}</code></p>")?;
        let moment = format!(
            "{} of {} {}, payload {}",
            baseline.event, baseline.platform_title, baseline.version, baseline.payload
        );
        writeln!(out, "<p>Probed at {}.</p>", safe(&moment))?;
        for sentence in words::baseline(baseline) {
            writeln!(out, "<p>{}</p>", safe(&sentence))?;
        }
        legend(out)?;
        for found in limits {
            section(out, found)?;
        }
        if !closing.notes.is_empty() {
            writeln!(out, "<h2>Notes</h2>\n<ul>")?;
            for note in &closing.notes {
                writeln!(out, "<li>{}</li>", safe(note))?;
            }
            writeln!(out, "</ul>")?;
        }
        let interrupted = if closing.interrupted { ", interrupted" } else { "" };
        let runs = count(closing.runs, "run");
        writeln!(
            out,
            "</main>\n<footer>hookproof {}, {runs} in {:.1} s{interrupted}</footer>\n</body>\n</html>",
            safe(&baseline.hookproof),
            closing.wall.as_secs_f64()
        )
    }
}

fn legend(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"legend\">")?;
    for (behaviour, class) in CLASSES {
        writeln!(out, "<li><b class=\"mark {class}\">{}</b> {behaviour}</li>", mark(Some(behaviour)))?;
    }
    writeln!(out, "<li><b class=\"mark unknown\">{}</b> not known</li>\n</ul>", mark(None))
}

fn section(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    writeln!(
        out,
        "<section>\n<h2>{}</h2>\n<p class=\"how\">{}</p>",
        safe(found.title()),
        safe(&words::mechanism(found))
    )?;
    for sentence in words::answer(found) {
        writeln!(out, "<p class=\"answer\">{}</p>", safe(&sentence))?;
    }
    for sentence in words::not_monotonic(found).into_iter().chain(words::worst(found)).chain(words::unnoticed(found)) {
        writeln!(out, "<p>{}</p>", safe(&sentence))?;
    }
    if found.not_enforced.is_none() && !found.points.is_empty() {
        strip(out, found)?;
        table(out, found)?;
    }
    writeln!(out, "</section>")
}

/// The strip: a cell a stretch of equal columns, and below it the ends of the range and the floor.
fn strip(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    let strip = Strip::of(found, COLUMNS);
    let told: Vec<String> =
        found.bands.iter().map(|band| format!("{} at {}", band.behaviour, words::extent(found, band))).collect();
    writeln!(out, "<div class=\"strip\" role=\"img\" aria-label=\"{}\">", safe(&told.join("; ")))?;
    for stretch in strip.columns.chunk_by(|a, b| a.behaviour == b.behaviour) {
        let (behaviour, columns) = (stretch[0].behaviour, stretch.len());
        let class = behaviour.map_or("unknown", class);
        let letter = if columns > 2 { mark(behaviour).to_string() } else { String::new() };
        writeln!(out, "<span class=\"{class}\" style=\"flex-grow:{columns}\">{letter}</span>")?;
    }
    writeln!(out, "</div>\n<div class=\"scale\">")?;
    let share = |value: u64| 100.0 * strip.place(value, COLUMNS) as f64 / (COLUMNS - 1) as f64;
    for point in &found.points {
        writeln!(out, "<i style=\"left:{:.1}%\"></i>", share(point.value))?;
    }
    writeln!(out, "<span class=\"least\">{}</span>", found.shown(found.least))?;
    if let Some(floor) = found.floor {
        let at = share(floor);
        if (12.0..=88.0).contains(&at) {
            writeln!(out, "<span class=\"floor\" style=\"left:{at:.1}%\">{}</span>", found.shown(floor))?;
        }
    }
    writeln!(out, "<span class=\"most\">{}</span>\n</div>", found.shown(found.most))
}

fn table(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    writeln!(out, "<details open>\n<summary>{}</summary>", count(found.points.len(), "run"))?;
    writeln!(
        out,
        "<table>\n<thead><tr><th>limit</th><th>behaviour</th><th>ending</th><th>differs in</th></tr></thead>\n<tbody>"
    )?;
    for point in &found.points {
        row(out, found, point)?;
    }
    writeln!(out, "</tbody>\n</table>\n</details>")
}

fn row(out: &mut dyn Write, found: &Found, point: &Point) -> io::Result<()> {
    let behaviour = point.behaviour;
    let open = if point.fails_open { ", and what it stops goes ahead" } else { "" };
    writeln!(
        out,
        "<tr><td>{}</td><td><b class=\"mark {}\">{}</b> {behaviour}</td><td>{}{open}</td><td>{}</td></tr>",
        found.shown(point.value),
        class(behaviour),
        mark(Some(behaviour)),
        safe(&words::ended(point)),
        safe(&point.differs.join(", ")),
    )
}

fn class(behaviour: Behaviour) -> &'static str {
    CLASSES.iter().find(|(known, _)| *known == behaviour).map_or("unknown", |(_, class)| class)
}

/// A text that acts neither as markup nor on a screen.
fn safe(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::probe_samples::probing;

    fn page() -> String {
        let mut out = Vec::new();
        ProbePage(&probing()).write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_page_needs_nothing_else_and_nothing_in_it_acts() {
        let page = page();
        for loader in ["<script", "src=", "href=", "url(", "@import", "http:", "https:", "\u{1b}", "<b>no"] {
            assert!(!page.contains(loader), "{loader}");
        }
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("MemoryError &amp; more"));
        assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    }

    #[test]
    fn every_element_is_closed() {
        let page = page();
        for name in [
            "html", "head", "style", "title", "body", "main", "section", "h1", "h2", "p", "ul", "li", "div", "span",
            "table", "thead", "tbody", "tr", "th", "td", "b", "i", "code", "details", "summary", "footer",
        ] {
            let opened = page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
            assert!(opened > 0 && opened == page.matches(&format!("</{name}>")).count(), "{name}");
        }
    }

    #[test]
    fn every_run_has_a_row_and_every_stretch_its_part() {
        let (page, probing) = (page(), probing());
        let runs: usize = probing.limits.iter().map(|found| found.points.len()).sum();
        assert_eq!(page.matches("<tr><td>").count(), runs);
        assert_eq!(page.matches("class=\"strip\"").count(), 2, "nothing is drawn of a limit that does not hold");
        assert!(page.contains("aria-label=\"silent death at 1 MiB to 7 MiB; "));
        assert!(page.contains("not enforced, because the superuser is exempt from it"));
    }
}
