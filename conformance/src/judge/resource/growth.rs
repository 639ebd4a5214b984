//! Whether what is measured at growing sizes grows faster than the sizes.

/// What something cost at a size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// The size in bytes.
    pub(super) size: f64,
    /// The cost.
    pub(super) cost: f64,
}

/// What is not held against anybody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How many times as steep a later stretch may be as the steepest before it.
    pub(super) factor: f64,
    /// Steepness below which nobody would notice, in cost a byte.
    pub(super) floor_per_byte: f64,
    /// Growth of a stretch below which nobody would notice.
    pub(super) floor: f64,
}

/// Whether a stretch between two neighbouring sizes is far steeper than all before it.
///
/// Start-up costs fall out, because only differences are looked at; the first stretch has nothing before it and is only
/// what the others are compared with.
pub(super) fn is_worse_than_linear(points: &[Point], bounds: &Bounds) -> bool {
    let mut steepest = bounds.floor_per_byte;
    points.windows(2).enumerate().any(|(place, pair)| {
        let [before, after] = pair else { return false };
        let (length, growth) = (after.size - before.size, after.cost - before.cost);
        let is_steep = place > 0 && growth > bounds.factor * steepest * length + bounds.floor;
        steepest = steepest.max(growth / length);
        is_steep
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Bounds, Point, is_worse_than_linear};

    const MIB: f64 = 1024.0 * 1024.0;
    const SIZES: [f64; 4] = [MIB / 64.0, MIB / 4.0, MIB, 16.0 * MIB];

    fn judged(cost: impl Fn(f64) -> f64) -> bool {
        let points = SIZES.map(|size| Point { size, cost: cost(size / MIB) });
        is_worse_than_linear(&points, &Bounds { factor: 3.0, floor_per_byte: 0.02 / MIB, floor: 0.25 })
    }

    #[rstest]
    #[case::nothing(|_| 0.0, false)]
    #[case::start_up(|_| 5.0, false)]
    #[case::linear(|mib| 0.3 + 0.4 * mib, false)]
    #[case::slow_and_linear(|mib| 0.3 + 9.0 * mib, false)]
    #[case::sorting(|mib: f64| 0.1 * mib * (mib * MIB).log2() / 20.0, false)]
    #[case::less_than_linear(|mib: f64| mib.sqrt(), false)]
    #[case::collected_late(|mib: f64| if mib > 2.0 { 1.1 } else { 0.05 }, false)]
    #[case::square(|mib: f64| 0.05 + 0.01 * mib * mib, true)]
    #[case::square_that_is_slow_early(|mib: f64| 4.0 * mib * mib, true)]
    #[case::cube(|mib: f64| 0.001 * mib * mib * mib, true)]
    #[case::a_wall(|mib: f64| if mib > 2.0 { 9.0 } else { 0.05 * mib }, true)]
    fn straight_lines_pass_and_curves_do_not(#[case] cost: impl Fn(f64) -> f64, #[case] expected: bool) {
        assert_eq!(judged(cost), expected);
    }

    #[test]
    fn what_did_not_end_is_told_by_the_sizes_before() {
        let points = [(0.015_625, 0.0), (0.25, 0.25), (1.0, 4.0)].map(|(mib, cost)| Point { size: mib * MIB, cost });
        let bounds = Bounds { factor: 3.0, floor_per_byte: 0.02 / MIB, floor: 0.25 };
        assert!(is_worse_than_linear(&points, &bounds));
        assert!(!is_worse_than_linear(&points[..2], &bounds));
    }
}
