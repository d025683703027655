//! Prints rows of the canonical set, without building the command line: all of them, or those named.

use ledgerlab_benches::canonical::{NAMES, Row, row};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let beside = |x: Option<f64>, r: &Row| x.map_or("-".into(), |x| format!("{x:.3e} ({:.2})", r.ratio(x)));
    println!("{:<16} {:>11} {:<13} {:>18} {:>18} {:>18}", "name", "value", "unit", "floor", "reference", "naive");
    for name in NAMES.iter().filter(|n| wanted.is_empty() || wanted.iter().any(|w| w == *n)) {
        let r = row(name).expect("a name of the set");
        let [floor, reference, naive] = [r.floor, r.reference, r.naive].map(|x| beside(x, &r));
        println!("{:<16} {:>11.4e} {:<13} {floor:>18} {reference:>18} {naive:>18}", r.name, r.value, r.unit);
    }
}
