//! What the drawings contain.

use super::*;

fn plain(value: f64) -> String {
    value.to_string()
}

#[test]
fn lines_are_interrupted_where_there_is_no_value() {
    let points = vec![(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(2.0)), (4.0, Some(1.0))];
    let lines = Lines {
        title: "a <chart>".into(),
        x: Axis::linear("time (s)", 0.0, 4.0, plain),
        y: Axis::from_zero("rate (tx/s)", [2.0], plain),
        lines: vec![Line { name: "pbft".into(), color: Some(0), points, dots: false }],
        shades: vec![
            Shade { name: "outage".into(), from: 1.0, to: 2.0, fault: true },
            Shade { name: "outage".into(), from: 3.0, to: 3.5, fault: true },
        ],
        note: None,
    };
    let chart = lines.draw(WIDE).unwrap();
    assert_eq!(chart.svg.matches(&format!("stroke=\"{}\"", hex(PALETTE[0]).to_uppercase())).count(), 2);
    assert_eq!(chart.legend.len(), 2);
    assert!(chart.svg.starts_with("<svg viewBox=\"0 0 1120 360\" role=\"img\" aria-label=\"a &lt;chart&gt;\">"));
    assert!(chart.svg.trim_end().ends_with("</svg>") && !chart.svg.contains("http"));
    for text in ["time (s)", "rate (tx/s)"] {
        assert!(chart.svg.contains(text), "{text} is missing");
    }
}

#[test]
fn stacked_parts_stand_on_each_other() {
    let bars = |layout| Bars {
        title: "bytes".into(),
        layout,
        category_title: "year".into(),
        categories: vec!["1".into(), "2".into()],
        parts: vec!["headers".into(), "payload".into(), "replicas".into()],
        values: vec![vec![1.0, 2.0, 0.0], vec![2.0, 0.0, 0.0]],
        axis: Axis::from_zero("bytes", [3.0], plain),
        note: None,
    };
    let filled =
        |svg: &str, part: usize| svg.matches(&format!("fill=\"{}\"", hex(PALETTE[part]).to_uppercase())).count();
    for layout in [Layout::Stacked, Layout::Grouped, Layout::Lying] {
        let chart = bars(layout).draw(HALF).unwrap();
        assert_eq!((filled(&chart.svg, 0), filled(&chart.svg, 1), chart.legend.len()), (2, 1, 2), "{layout:?}");
    }
    let corners = |layout| bars(layout).corners(0, 1, 1.0, 2.0).map(|(x, y)| [x, y]).concat();
    for (got, expected) in
        [(corners(Layout::Stacked), [0.12, 1.0, 0.88, 3.0]), (corners(Layout::Lying), [1.0, 1.12, 3.0, 1.88])]
    {
        assert!(got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-9), "{got:?}");
    }
}

#[test]
fn long_names_of_bars_are_told_apart() {
    let names =
        [format!("{} a", "long ".repeat(9)), format!("{} a", "long ".repeat(20)), format!("{} b", "long ".repeat(20))];
    let bars = Bars {
        title: "bytes".into(),
        layout: Layout::Lying,
        category_title: String::new(),
        categories: names.to_vec(),
        parts: vec!["headers".into()],
        values: vec![vec![1.0]; 3],
        axis: Axis::from_zero("bytes", [1.0], plain),
        note: None,
    };
    let svg = bars.draw(Bars::lying_size(WIDE.0, 3)).unwrap().svg;
    assert!(svg.contains(&names[0]), "{svg}");
    assert!(svg.contains("\u{2026} (2)") && svg.contains("\u{2026} (3)"), "{svg}");
}

#[test]
fn colours_repeat_with_broken_lines() {
    assert_eq!(color(0), color(PALETTE.len()));
    assert!(!repeats(PALETTE.len() - 1) && repeats(PALETTE.len()));
}
