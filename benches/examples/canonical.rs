//! Prints rows of the canonical set, without building the command line: all of them, or those named.

use ledgerlab_benches::canonical::{NAMES, row};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let factor = |x: Option<f64>, value: f64| x.map_or("-".into(), |x| format!("{:.3e} ({:.2})", x, value / x));
    println!("{:<16} {:>11} {:<13} {:>18} {:>18}", "name", "value", "unit", "floor", "reference");
    for name in NAMES.iter().filter(|n| wanted.is_empty() || wanted.iter().any(|w| w == *n)) {
        let r = row(name).expect("a name of the set");
        let (floor, reference) = (factor(r.floor, r.value), factor(r.reference, r.value));
        println!("{:<16} {:>11.4e} {:<13} {floor:>18} {reference:>18}", r.name, r.value, r.unit);
    }
}
