//! What the page holds, and what it must not.

use super::*;
use crate::fixture;
use ledgerlab_sim::record::METRICS;

fn svgs(page: &str) -> Vec<&str> {
    page.split("<svg ").skip(1).map(|rest| rest.split("</svg>").next().unwrap()).collect()
}

#[test]
fn the_page_needs_nothing_but_itself() {
    for (summary, _) in [fixture::comparison(), fixture::load_curve(), fixture::stalled()] {
        let page = page(&summary).unwrap();
        for outside in ["http:", "https:", "<script", "<link", "src=", "@import", "url(", "xmlns", "NaN", "inf "] {
            assert!(!page.contains(outside), "{} contains {outside}", summary.name);
        }
    }
}

#[test]
fn the_answer_comes_first() {
    let (summary, _) = fixture::comparison();
    let page = page(&summary).unwrap();
    let order =
        ["<h1>", "class=\"overview\"", "class=\"finality\"", "Definitions", "Throughput over time", "Provenance"];
    let places = order.map(|part| page.find(part).unwrap_or_else(|| panic!("{part} is missing")));
    assert!(places.is_sorted(), "{places:?}");
    for rule in ["nakamoto: k = 6 blocks on top, adversary 10.0 %", "pbft, hotstuff: certificate"] {
        assert!(page.contains(rule), "{rule} is missing");
    }
}

#[test]
fn every_chart_has_shapes_and_labels_and_a_legend() {
    let (summary, _) = fixture::comparison();
    let page = page(&summary).unwrap();
    let charts = svgs(&page);
    assert_eq!(charts.len(), 4 + 2 + 1 + 1 + 4 + 4);
    for chart in charts {
        let name = chart.split("aria-label=\"").nth(1).unwrap().split('"').next().unwrap();
        let colored = crate::chart::palette().iter().any(|color| chart.contains(&color.to_uppercase()));
        assert!(colored, "{name} shows nothing");
        assert!(chart.matches("<text").count() >= 6, "{name} lacks labels");
        assert!(!chart.contains("points=\"\""), "{name} has an empty line");
    }
    assert_eq!(page.matches("<ul class=\"legend\"><li>").count(), page.matches("<figure>").count());
}

#[test]
fn nothing_leaves_the_drawing() {
    for (summary, _) in [fixture::comparison(), fixture::load_curve(), fixture::stalled()] {
        let page = page(&summary).unwrap();
        for chart in svgs(&page) {
            let width: f64 = chart.split(' ').nth(2).unwrap().parse().unwrap();
            for point in chart.split("points=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' ')) {
                let Some((x, _)) = point.split_once(',') else { continue };
                assert!((0.0..=width).contains(&x.parse().unwrap()), "{}: {point}", summary.name);
            }
        }
    }
}

#[test]
fn faults_are_shaded_and_named() {
    let page = page(&fixture::comparison().0).unwrap();
    assert!(page.contains("outage (crash)"));
    assert!(svgs(&page)[0].contains("#D62728"));
}

#[test]
fn what_users_write_is_text() {
    let (mut summary, _) = fixture::stalled();
    summary.name = "<b>a & b</b>".into();
    let page = page(&summary).unwrap();
    assert!(page.contains("<title>&lt;b&gt;a &amp; b&lt;/b&gt; - ledgerlab</title>"));
    assert!(page.contains("no block after 3.2 s &amp; none &lt;expected&gt;"));
    assert!(!page.contains("<b>a"));
}

#[test]
fn a_stall_has_no_latency_chart_but_every_metric() {
    let page = page(&fixture::stalled().0).unwrap();
    assert_eq!(page.matches("over time</figcaption>").count(), 1);
    assert!(!page.contains("Latency distribution") && !page.contains("Where the latency goes"));
    assert!(METRICS.iter().all(|metric| page.contains(metric.name)));
    assert!(page.contains("\u{2717} pbft: success_rate"));
}

#[test]
fn a_sweep_of_numbers_has_curves() {
    let page = page(&fixture::load_curve().0).unwrap();
    assert!(page.contains("Latency against throughput") && page.contains("Throughput by load"));
    assert!(page.contains("The first 8 of 10 points"));
    let curve = page.split_once("Throughput by load").and_then(|(_, rest)| rest.split("</figure>").next()).unwrap();
    assert!(curve.contains("class=\"dashed\"") && curve.contains("</i>offered</li>"), "{curve}");
}

#[test]
fn objects_off_the_chain_are_named_by_where_they_lie() {
    let (mut summary, _) = fixture::comparison();
    for (point, place) in summary.points.iter_mut().zip(["own store", "provider"]) {
        point.storage.bytes_per_day_per_node.off_chain = 7e9;
        point.storage.off_chain_at = place.into();
    }
    let page = page(&summary).unwrap();
    let growth = page.split_once("Bytes gained by class").and_then(|(_, rest)| rest.split("</figure>").next()).unwrap();
    for name in ["off-chain, own store</li>", "off-chain, provider</li>", "on every node&#39;s disk"] {
        assert!(growth.contains(name), "{name} is missing: {growth}");
    }
    assert!(!page.contains("disk of a node") && !page.contains("node&#39;s disk by class"));
}

#[test]
fn tables_of_many_points_are_broken_before_the_page_is() {
    let page = page(&fixture::load_curve().0).unwrap();
    assert_eq!(page.matches("<table class=\"metrics\">").count(), 2);
    let head = page.split("<table class=\"metrics\">").nth(1).unwrap().split("</tr>").next().unwrap();
    assert_eq!(head.matches("</th>").count(), 6);
}

#[test]
fn the_reference_lists_every_metric_with_its_definition() {
    let reference = include_str!("../../../docs/RESULTS.md");
    for metric in METRICS {
        let row = format!("| `{}` | {} | {} |", metric.name, metric.unit, metric.definition);
        assert!(reference.contains(&row), "docs/RESULTS.md lacks {row}");
    }
}
