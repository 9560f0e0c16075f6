//! Time and chance.

use std::time::{SystemTime, UNIX_EPOCH};

use tidemill_core::{
    Timestamp,
    ports::{Clock, Rng},
};

pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        Timestamp(i64::try_from(since.as_micros()).expect("it is earlier than 290000"))
    }
}

pub struct RealRng;

impl Rng for RealRng {
    fn bits(&self) -> u128 {
        uuid::Uuid::new_v4().as_u128()
    }
}
