//! Tables against their published figures, and every way in which a user's text can be wrong.

use super::{NAMES, Spread, from_csv, internet, named};
use crate::scenario::LatencySpec;

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).into()).collect()
}

#[test]
fn every_name_has_a_square_table_of_sensible_latencies() {
    for name in NAMES {
        let table = named(name).unwrap();
        assert_eq!(table.name, name);
        let n = table.regions.len();
        let (low, high) = match &table.spread {
            Spread::Quantiles { p50, p90 } => (p50, p90),
            Spread::Pareto(m) | Spread::Fixed(m) => (m, m),
        };
        assert!(low.len() == n && high.len() == n);
        for (a, b) in low.iter().zip(high) {
            assert!(a.len() == n && b.len() == n);
            assert!(a.iter().zip(b).all(|(x, y)| *x >= 0.25e6 && x <= y && *y < 400e6), "{name}: {a:?} {b:?}");
        }
        assert!(table.access.is_none_or(|a| a.len() == n && a.iter().all(|a| a.uplink >= 1_000_000)));
    }
    assert!(named("cloud-2024").is_none());
}

#[test]
fn cloud_figures_are_half_of_the_published_round_trips() {
    let spec = named("cloud-2025").unwrap().spec(&names(&["eu-central-1", "us-east-1"])).unwrap();
    let LatencySpec::Quantiles { p50, p90 } = spec else { panic!("no quantiles") };
    assert_eq!(p50, [[0.5e6, 46.35e6], [46.6e6, 0.5e6]]);
    assert_eq!(p90, [[0.55e6, 47.65e6], [49.3e6, 0.55e6]]);
}

#[test]
fn internet_tables_have_their_bandwidth_shares_and_pools() {
    let table = named("internet-2019").unwrap();
    let access = table.access("south-america").unwrap().unwrap();
    assert_eq!((access.uplink, access.downlink), (5_800_000, 18_000_000));
    let spec = table.spec(&names(&["japan", "europe"])).unwrap();
    assert_eq!(spec, LatencySpec::Pareto { mean: vec![vec![12e6, 252e6], vec![252e6, 11e6]] });
    for network in ["bitcoin-2015", "bitcoin-2019", "litecoin", "dogecoin", "ethereum-2020"] {
        let sum: f64 = internet::node_shares(network).unwrap().iter().sum();
        assert!((sum - 1.0).abs() < 0.001, "{network}: {sum}");
    }
    for (network, pools, share) in [("bitcoin-2015", 16, 1.001), ("litecoin", 12, 1.0), ("dogecoin", 12, 1.0)] {
        let power = internet::hash_power(network).unwrap();
        let sum: f64 = power.iter().sum();
        assert!(power.len() == pools && sum > 0.79 && sum <= share + 1e-9, "{network}: {sum}");
        assert!(power.is_sorted_by(|a, b| a >= b));
    }
    assert!(internet::OUTBOUND_DEGREE_CDF.is_sorted() && internet::OUTBOUND_DEGREE_CDF[19] == 1.0);
    assert!(internet::node_shares("tezos").is_none() && internet::hash_power("tezos").is_none());
}

#[test]
fn an_unknown_region_is_answered_with_the_valid_ones() {
    let error = named("hospital-wan").unwrap().spec(&names(&["north", "nord"])).unwrap_err();
    let message = "region \"nord\" is not in table \"hospital-wan\"; it has north, east, south, west, centre";
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_text_with_medians_is_a_fixed_table() {
    let text = "# our network\n\nfrom \\ to, a, b\r\na, , 22.5\nb, 23,4\n";
    let table = from_csv("ours.csv", text).unwrap();
    assert_eq!(table.regions, ["a", "b"]);
    assert_eq!(table.spread, Spread::Fixed(vec![vec![0.5e6, 11.25e6], vec![11.5e6, 2e6]]));
}

#[test]
fn a_text_with_percentiles_is_a_table_with_jitter() {
    let table = from_csv("ours.csv", "x,a,b\na,,22/30\nb,23 / 25,2/2").unwrap();
    let (p50, p90) = (vec![vec![0.5e6, 11e6], vec![11.5e6, 1e6]], vec![vec![0.55e6, 15e6], vec![12.5e6, 1e6]]);
    assert_eq!(table.spread, Spread::Quantiles { p50, p90 });
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let missing = "no regions; the first line must be \"from \\ to\" and the names of the regions";
    let cases = [
        ("", format!("line 1: {missing}")),
        ("# a\n# b\n", format!("line 2: {missing}")),
        ("# a\nnorth", format!("line 2: {missing}")),
        ("x,a,a\n", "line 1: region \"a\" is named twice".into()),
        ("x,a,\n", "line 1: region \"\" is empty".into()),
        ("x,a,b\nb,1,2\n", "line 2: region \"b\" is not the next one of the header, which is \"a\"".into()),
        ("x,a,b\na,1\n", "line 2: 1 round trips; the header names 2 regions".into()),
        ("x,a,b\na,1,2\n", "line 2: the text ends before region \"b\"".into()),
        ("x,a\na,1\n\nb,1\n", "line 4: region \"b\" is one more than the header names".into()),
        ("x,a\na,fast\n", "line 2: from \"a\" to \"a\": \"fast\" is not a number of milliseconds".into()),
        ("x,a,b\na,1,\nb,1,1", "line 2: from \"a\" to \"b\": \"\" is not a number of milliseconds".into()),
        ("x,a\na,-1\n", "line 2: from \"a\" to \"a\": \"-1\" must be above 0 and at most 60000 ms".into()),
        ("x,a\na,NaN\n", "line 2: from \"a\" to \"a\": \"NaN\" must be above 0 and at most 60000 ms".into()),
        ("x,a\na,3/2\n", "line 2: from \"a\" to \"a\": \"3/2\" has a 90th percentile below the median".into()),
        (
            "x,a\na,1/10\n",
            "line 2: from \"a\" to \"a\": \"1/10\" has a 90th percentile above 9 times the median".into(),
        ),
        (
            "x,a,b\na,1,2\nb,2,3/4",
            "line 3: from \"b\" to \"b\": \"3/4\" must be a median, or median/p90, as the cells before".into(),
        ),
    ];
    for (text, message) in cases {
        assert_eq!(from_csv("ours.csv", text).unwrap_err().to_string(), message, "{text:?}");
    }
}
