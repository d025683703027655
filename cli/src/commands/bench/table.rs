//! The rows as people and as programs read them.

use ledgerlab_benches::canonical::Row;
use ledgerlab_benches::measure::SECONDS;

use super::baseline::Change;
use crate::print::columns;

/// What the figures in brackets are.
const LEGEND: &str = "Medians, by CPU time of one thread; (2.0x): the value is twice as fast. floor: the same work \
                      without what\nthe engine adds; reference: on a plain heap; naive: an event for each step of a \
                      message; queueless: no queue.";

/// A table with the value's ratio to each of the other figures.
pub fn text(rows: &[Row]) -> String {
    let head = ["name", "value", "unit", "floor", "reference", "naive", "queueless"];
    let line = |row: &Row| {
        let beside = [row.floor, row.reference, row.naive, row.queueless]
            .map(|other| other.map_or("-".to_owned(), |x| format!("{} ({:.2}x)", figure(x, &row.unit), row.ratio(x))));
        let mut cells = vec![row.name.clone(), figure(row.value, &row.unit), row.unit.clone()];
        cells.extend(beside);
        cells
    };
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(line));
    format!("{}\n\n{LEGEND}", columns(&lines))
}

/// The list that `--json` prints.
pub fn json(rows: &[Row]) -> String {
    serde_json::to_string_pretty(rows).expect("plain data")
}

/// What has changed since a baseline.
pub fn changes(changes: &[Change]) -> String {
    let head = ["name", "compared by", "then", "now", "speed", "least"];
    let line = |c: &Change| {
        let [then, now] = [c.then, c.now].map(three_digits);
        vec![c.name.clone(), c.yardstick.words(), then, now, format!("{:.2}x", c.speed()), format!("{:.2}x", c.least())]
    };
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(changes.iter().map(line));
    columns(&lines)
}

/// Three digits, with a prefix where it is a rate.
fn figure(x: f64, unit: &str) -> String {
    if unit == SECONDS {
        return three_digits(x);
    }
    let steps = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    let (factor, prefix) = steps.into_iter().find(|(factor, _)| x >= *factor).unwrap_or((1.0, ""));
    three_digits(x / factor) + prefix
}

/// Three significant digits, without an exponent.
fn three_digits(x: f64) -> String {
    let decimals = (2.0 - x.abs().max(1e-9).log10().floor()).clamp(0.0, 9.0);
    format!("{x:.*}", decimals as usize)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::commands::bench::baseline::Yardstick;

    /// A row with a value alone.
    pub fn row(name: &str, value: f64, unit: &str) -> Row {
        let (floor, reference, naive, queueless) = (None, None, None, None);
        Row { name: name.into(), value, unit: unit.into(), floor, reference, naive, queueless, once: vec![] }
    }

    fn rows() -> Vec<Row> {
        vec![
            Row { floor: Some(1e8), reference: Some(1.25e7), queueless: Some(2e8), ..row("phold-1k", 4e7, "events/s") },
            Row { naive: Some(0.6), ..row("pbft-1000", 0.024_16, "s") },
        ]
    }

    #[test]
    fn the_table_shows_how_fast_the_value_is_beside_the_others() {
        insta::assert_snapshot!(text(&rows()), @r"
        name       value   unit      floor          reference       naive           queueless
        phold-1k   40.0 M  events/s  100 M (0.40x)  12.5 M (3.20x)  -               200 M (0.20x)
        pbft-1000  0.0242  s         -              -               0.600 (24.83x)  -

        Medians, by CPU time of one thread; (2.0x): the value is twice as fast. floor: the same work without what
        the engine adds; reference: on a plain heap; naive: an event for each step of a message; queueless: no queue.
        ");
    }

    #[test]
    fn json_is_a_list_of_six_fields() {
        insta::assert_snapshot!(json(&rows()), @r#"
        [
          {
            "name": "phold-1k",
            "value": 40000000.0,
            "unit": "events/s",
            "floor": 100000000.0,
            "reference": 12500000.0,
            "naive": null
          },
          {
            "name": "pbft-1000",
            "value": 0.02416,
            "unit": "s",
            "floor": null,
            "reference": null,
            "naive": 0.6
          }
        ]
        "#);
    }

    #[test]
    fn changes_are_shown_with_what_is_allowed() {
        let change = |name: &str, yardstick, then, now| Change { name: name.into(), yardstick, then, now };
        let list = [change("phold-1k", Yardstick::Floor, 0.4, 0.3), change("pow-8000", Yardstick::Clock, 2.0, 1.0)];
        insta::assert_snapshot!(changes(&list), @r"
        name      compared by     then   now    speed  least
        phold-1k  ratio to floor  0.400  0.300  0.75x  0.50x
        pow-8000  CPU time        2.00   1.00   0.50x  0.40x
        ");
    }

    #[test]
    fn figures_have_three_digits_and_a_prefix_if_they_are_rates() {
        assert_eq!(figure(40_795_000.0, "events/s"), "40.8 M");
        assert_eq!(figure(999.0, "tx/s"), "999");
        assert_eq!(figure(1.5e9, "tx/s"), "1.50 G");
        assert_eq!((figure(0.024_158, "s"), figure(123.4, "s")), ("0.0242".into(), "123".into()));
    }
}
