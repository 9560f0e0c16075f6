//! Distributions of durations.

use std::time::Duration;

/// Durations, sorted.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    nanos: Vec<u64>,
}

impl Latencies {
    /// Takes nanoseconds in any order.
    pub fn new(mut nanos: Vec<u64>) -> Latencies {
        nanos.sort_unstable();
        Latencies { nanos }
    }

    /// The smallest duration that `percent` of all do not exceed; zero when there are none.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.nanos.len() * percent).div_ceil(100).max(1);
        Duration::from_nanos(self.nanos.get(rank - 1).copied().unwrap_or(0))
    }

    /// Half are below, half above.
    pub fn p50(&self) -> Duration {
        self.percentile(50)
    }

    /// One in a hundred is above.
    pub fn p99(&self) -> Duration {
        self.percentile(99)
    }
}

/// The middle one of some numbers; 0 when there are none.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted() {
        let latencies = Latencies::new((1..=200).rev().collect());
        assert_eq!(latencies.p50(), Duration::from_nanos(100));
        assert_eq!(latencies.p99(), Duration::from_nanos(198));
        assert_eq!(Latencies::new(vec![7]).p50(), Duration::from_nanos(7));
        assert_eq!(Latencies::default().p99(), Duration::ZERO);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
