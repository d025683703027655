//! The report: one page that needs nothing but itself, the answer first.

mod figures;
mod overtime;
mod tables;

use crate::chart::{Chart, Mark};
use crate::error::Error;
use crate::overview::{self, Overview};
use ledgerlab_sim::record::{PointSummary, Summary};
use std::fmt::Write;

const STYLE: &str = include_str!("html/style.css");

/// The report of a summary as an HTML document.
///
/// # Errors
/// [`Error::Chart`] where a chart cannot be drawn.
pub fn page(summary: &Summary) -> Result<String, Error> {
    let title = escaped(&summary.name);
    let mut page = Page { text: String::new() };
    let head = "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">";
    let _ = write!(page.text, "<!doctype html>\n<html lang=\"en\">\n<head>\n{head}\n");
    let _ =
        write!(page.text, "<title>{title} - ledgerlab</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n");
    first_screen(&mut page, summary);
    page.heading("Definitions");
    tables::definitions(&mut page, summary);
    figures::curves(&mut page, summary)?;
    overtime::section(&mut page, summary)?;
    figures::section(&mut page, summary)?;
    tables::section(&mut page, summary);
    page.text.push_str("</main>\n</body>\n</html>\n");
    Ok(page.text)
}

/// Text with the characters replaced that HTML gives a meaning to.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn first_screen(page: &mut Page, summary: &Summary) {
    let verdict = summary.verdict.word();
    let _ = writeln!(page.text, "<h1>{} <span class=\"{verdict}\">{verdict}</span></h1>", escaped(&summary.name));
    page.paragraph("lead", &lead(summary));
    let Overview { head, rows, numeric } = Overview::of(summary);
    page.table("overview", &head, &rows, &numeric);
    let rules = overview::finality_rules(summary);
    let rules: Vec<_> = rules.into_iter().map(|(names, rule)| format!("{names}: {rule}")).collect();
    page.list("finality", "When a transaction is final", &rules);
    page.list("notes", "Before believing a figure", &notes(summary));
    page.list("slo", "Service level objectives", &objectives(summary));
}

/// What was run, in a sentence.
fn lead(summary: &Summary) -> String {
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let replications = summary.points.iter().map(|point| point.replications.len()).max().unwrap_or(0);
    let mut text = match summary.points.len() {
        1 => plural(replications, "replication"),
        points => format!("{}, {} each", plural(points, "point"), plural(replications, "replication")),
    };
    if let Some(point) = summary.points.iter().find(|point| !point.replications.is_empty()) {
        let _ = write!(text, "; measured from {} s to {} s of the run", point.window.start_s, point.window.end_s);
    }
    if replications > 1 {
        text.push_str("; \u{b1} is the 95 % confidence interval from replication means");
    }
    text.push('.');
    text
}

fn notes(summary: &Summary) -> Vec<String> {
    let of_point = |point: &PointSummary| {
        let name = overview::label(summary, point);
        let mut notes = Vec::new();
        let runs = point.run_verdict();
        if !runs.text().is_empty() {
            notes.push(format!("{name}: {runs}: {}", runs.text()));
        }
        notes.extend(point.error.iter().map(|error| format!("{name}: failed: {error}")));
        notes.extend(point.warnings.iter().map(|warning| format!("{name}: {warning}")));
        notes
    };
    summary.points.iter().flat_map(of_point).collect()
}

fn objectives(summary: &Summary) -> Vec<String> {
    let of_point = |point: &PointSummary| {
        let name = overview::label(summary, point);
        let line = move |slo: &ledgerlab_sim::record::SloOutcome| {
            let sign = if slo.met { "\u{2713}" } else { "\u{2717}" };
            let measured = crate::format::optional(slo.measured, crate::format::number);
            let (unit, limit) = (crate::format::slo_unit(&slo.key), crate::format::number(slo.limit));
            format!("{sign} {name}: {} = {measured}{unit}, limit {limit}{unit}", slo.key)
        };
        point.slo.iter().map(line).collect::<Vec<_>>()
    };
    summary.points.iter().flat_map(of_point).collect()
}

/// A document in the making; everything that it takes is escaped here.
pub(crate) struct Page {
    text: String,
}

impl Page {
    fn heading(&mut self, title: &str) {
        let _ = writeln!(self.text, "<h2>{}</h2>", escaped(title));
    }

    fn subheading(&mut self, title: &str) {
        let _ = writeln!(self.text, "<h3>{}</h3>", escaped(title));
    }

    fn paragraph(&mut self, class: &str, text: &str) {
        let _ = writeln!(self.text, "<p class=\"{class}\">{}</p>", escaped(text));
    }

    fn preformatted(&mut self, text: &str) {
        let _ = writeln!(self.text, "<pre>{}</pre>", escaped(text));
    }

    /// A titled list; nothing without items.
    fn list(&mut self, class: &str, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let _ = write!(self.text, "<div class=\"{class}\"><b>{}</b>\n<ul>\n", escaped(title));
        for item in items {
            let _ = writeln!(self.text, "<li>{}</li>", escaped(item));
        }
        self.text.push_str("</ul></div>\n");
    }

    /// A table that scrolls within itself where it is too wide; nothing without rows.
    fn table<S: AsRef<str>>(&mut self, class: &str, head: &[S], rows: &[Vec<String>], numeric: &[bool]) {
        if rows.is_empty() {
            return;
        }
        let align = |column: usize| if numeric[column] { " class=\"figure\"" } else { "" };
        let _ = write!(self.text, "<div class=\"scroll\"><table class=\"{class}\">\n<thead><tr>");
        for (column, title) in head.iter().enumerate() {
            let _ = write!(self.text, "<th{}>{}</th>", align(column), escaped(title.as_ref()));
        }
        self.text.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.text.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let _ = write!(self.text, "<td{}>{}</td>", align(column), escaped(cell));
            }
            self.text.push_str("</tr>\n");
        }
        self.text.push_str("</tbody></table></div>\n");
    }

    /// A table under a heading of its own; nothing without rows.
    fn titled_table<S: AsRef<str>>(&mut self, title: &str, head: &[S], rows: &[Vec<String>], numeric: &[bool]) {
        if !rows.is_empty() {
            self.subheading(title);
            self.table("", head, rows, numeric);
        }
    }

    fn chart(&mut self, chart: &Chart) {
        let _ = write!(self.text, "<figure>\n<figcaption>{}</figcaption>\n{}", escaped(&chart.title), chart.svg);
        self.text.push_str("<ul class=\"legend\">");
        for entry in &chart.legend {
            let (class, name) = (mark_class(entry.mark), escaped(&entry.name));
            let _ =
                write!(self.text, "<li><i class=\"{class}\" style=\"border-color:{}\"></i>{name}</li>", entry.color);
        }
        self.text.push_str("</ul>\n");
        if let Some(note) = &chart.note {
            self.paragraph("note", note);
        }
        self.text.push_str("</figure>\n");
    }

    /// Charts side by side where the page is wide enough.
    fn charts(&mut self, charts: &[Chart]) {
        self.text.push_str("<div class=\"pair\">\n");
        charts.iter().for_each(|chart| self.chart(chart));
        self.text.push_str("</div>\n");
    }
}

fn mark_class(mark: Mark) -> &'static str {
    match mark {
        Mark::Solid => "solid",
        Mark::Dashed => "dashed",
        Mark::Area => "area",
        Mark::Shade => "area shade",
    }
}

#[cfg(test)]
mod tests;
