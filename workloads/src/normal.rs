//! Quantile function of the standard normal distribution.
//!
//! Algorithm AS 241 (PPND16) of M. J. Wichura, "The percentage points of the normal distribution", Applied
//! Statistics 37 (1988) 477-484; relative accuracy about 1e-16. The same bits on every platform, since only `libm`
//! and IEEE arithmetic are used.
#![expect(clippy::excessive_precision, reason = "coefficients as published")]

/// The x with `P(X <= x) = p`; infinite at 0 and 1, NaN outside.
pub fn quantile(p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 || p.is_nan() {
        return match p {
            0.0 => f64::NEG_INFINITY,
            1.0 => f64::INFINITY,
            _ => f64::NAN,
        };
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(r, &CENTRE.0, &CENTRE.1);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let x = if r <= 5.0 { ratio(r - 1.6, &NEAR.0, &NEAR.1) } else { ratio(r - 5.0, &FAR.0, &FAR.1) };
    if q < 0.0 { -x } else { x }
}

fn ratio(r: f64, numerator: &[f64; 8], denominator: &[f64; 8]) -> f64 {
    polynomial(r, numerator) / polynomial(r, denominator)
}

/// Coefficients from the highest power down.
fn polynomial(x: f64, coefficients: &[f64; 8]) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

type Rational = ([f64; 8], [f64; 8]);

/// For |p - 1/2| <= 0.425 (AS 241, a and b).
const CENTRE: Rational = (
    [
        2.509_080_928_730_122_672_7e3,
        3.343_057_558_358_812_810_5e4,
        6.726_577_092_700_870_085_3e4,
        4.592_195_393_154_987_145_7e4,
        1.373_169_376_550_946_112_5e4,
        1.971_590_950_306_551_442_7e3,
        1.331_416_678_917_843_774_5e2,
        3.387_132_872_796_366_608_0,
    ],
    [
        5.226_495_278_852_854_561_0e3,
        2.872_908_573_572_194_267_4e4,
        3.930_789_580_009_271_061_0e4,
        2.121_379_430_158_659_586_7e4,
        5.394_196_021_424_751_107_7e3,
        6.871_870_074_920_579_083_0e2,
        4.231_333_070_160_091_125_2e1,
        1.0,
    ],
);

/// For tails with sqrt(-ln p) <= 5 (AS 241, c and d).
const NEAR: Rational = (
    [
        7.745_450_142_783_414_076_40e-4,
        2.272_384_498_926_918_458_33e-2,
        2.417_807_251_774_506_117_70e-1,
        1.270_458_252_452_368_382_58,
        3.647_848_324_763_204_605_04,
        5.769_497_221_460_691_405_50,
        4.630_337_846_156_545_295_90,
        1.423_437_110_749_683_577_34,
    ],
    [
        1.050_750_071_644_416_843_24e-9,
        5.475_938_084_995_344_946_00e-4,
        1.519_866_656_361_645_719_66e-2,
        1.481_039_764_274_800_745_90e-1,
        6.897_673_349_851_000_045_50e-1,
        1.676_384_830_183_803_849_40,
        2.053_191_626_637_758_821_87,
        1.0,
    ],
);

/// For the tails beyond (AS 241, e and f).
const FAR: Rational = (
    [
        2.010_334_399_292_288_132_65e-7,
        2.711_555_568_743_487_578_15e-5,
        1.242_660_947_388_078_438_60e-3,
        2.653_218_952_657_612_309_30e-2,
        2.965_605_718_285_048_912_30e-1,
        1.784_826_539_917_291_335_80,
        5.463_784_911_164_114_369_90,
        6.657_904_643_501_103_777_20,
    ],
    [
        2.044_263_103_389_939_785_64e-15,
        1.421_511_758_316_445_888_70e-7,
        1.846_318_317_510_054_681_80e-5,
        7.868_691_311_456_132_591_00e-4,
        1.487_536_129_085_061_485_25e-2,
        1.369_298_809_227_358_053_10e-1,
        5.998_322_065_558_879_376_90e-1,
        1.0,
    ],
);

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn known_percentage_points() {
        for (p, x) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_5),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((quantile(p) - x).abs() < 1e-14, "quantile({p}) is {}, not {x}", quantile(p));
        }
    }

    #[test]
    fn is_infinite_at_the_ends_and_nothing_beyond() {
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan() && quantile(f64::NAN).is_nan());
    }

    #[test]
    fn is_symmetric_and_inverts_the_distribution() {
        for i in 1..1_000 {
            let p = f64::from(i) / 1_000.0;
            let x = quantile(p);
            assert!((x + quantile(1.0 - p)).abs() < 1e-12);
            let back = 0.5 * libm::erfc(-x / core::f64::consts::SQRT_2);
            assert!((back - p).abs() < 1e-14, "P(X <= {x}) is {back}, not {p}");
        }
    }
}
