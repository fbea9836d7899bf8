//! The scale of a panel: round values from zero to above the largest.

/// Where values are.
pub(super) struct Scale {
    /// The values with a line, from zero.
    pub(super) ticks: Vec<f64>,
    /// How many decimals the ticks have.
    pub(super) decimals: usize,
    height: f64,
}

/// The most lines above zero.
const MAX_LINES: f64 = 4.0;

impl Scale {
    /// Creates the scale of values up to the largest, on a height in pixels.
    pub(super) fn new(largest: f64, height: f64) -> Self {
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        let magnitude = 10_f64.powf((largest / MAX_LINES).log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * magnitude);
        let step = step.into_iter().find(|step| largest / step <= MAX_LINES).unwrap_or(largest);
        let lines = (largest / step).ceil().max(1.0) as usize;
        let decimals = (0..3).find(|decimals| is_round(step * 10_f64.powi(*decimals))).unwrap_or(3);
        Self {
            ticks: (0..=lines).map(|line| line as f64 * step).collect(),
            decimals: usize::try_from(decimals).unwrap_or_default(),
            height,
        }
    }

    /// The height of a value above zero.
    pub(super) fn height_of(&self, value: f64) -> f64 {
        let top = self.ticks.last().copied().unwrap_or(1.0);
        (value / top).clamp(0.0, 1.0) * self.height
    }
}

fn is_round(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_largest() {
        for (largest, ticks, decimals) in [
            (9.4, vec![0.0, 2.5, 5.0, 7.5, 10.0], 1),
            (72.2, vec![0.0, 20.0, 40.0, 60.0, 80.0], 0),
            (550.0, vec![0.0, 200.0, 400.0, 600.0], 0),
            (1.0, vec![0.0, 0.25, 0.5, 0.75, 1.0], 2),
            (0.0, vec![0.0, 0.25, 0.5, 0.75, 1.0], 2),
        ] {
            let scale = Scale::new(largest, 84.0);
            assert_eq!((scale.ticks.clone(), scale.decimals), (ticks, decimals), "{largest}");
            assert!(scale.height_of(largest) <= 84.0);
        }
    }
}
