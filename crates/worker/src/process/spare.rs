//! Spare interpreters: started ahead, waiting to be told what to run.
//!
//! There is at most one for each way of starting one, and only for ways that somebody has launched or warmed. A launch takes
//! it; it is replaced when that launch is over, so that the two do not compete.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{
    fresh::{Fresh, Recipe},
    spawn::Spawner,
};

enum Place {
    /// Wanted; somebody is starting it.
    Starting,
    Waiting(Box<Fresh>),
}

/// The spare processes.
#[derive(Default)]
pub(crate) struct Spares {
    places: Mutex<Option<BTreeMap<Recipe, Place>>>,
}

impl Spares {
    /// An empty set that takes spares until it is closed.
    pub fn new() -> Spares {
        Spares { places: Mutex::new(Some(BTreeMap::new())) }
    }

    /// Takes the spare for `recipe`, if there is one and it lives.
    pub fn take(&self, recipe: &Recipe) -> Option<Fresh> {
        let taken = {
            let mut places = self.places.lock();
            let places = places.as_mut()?;
            match places.get(recipe) {
                Some(Place::Waiting(_)) => places.remove(recipe),
                Some(Place::Starting) | None => None,
            }
        };
        match taken {
            Some(Place::Waiting(fresh)) if fresh.is_alive() => Some(*fresh),
            Some(Place::Waiting(_) | Place::Starting) | None => None,
        }
    }

    /// Sees to it that there is a spare for `recipe`. Best effort: the cause of a failure shows at the next launch.
    pub async fn replenish(&self, spawner: &Spawner, recipe: &Recipe) {
        if !self.reserve(recipe) {
            return;
        }
        let started = Fresh::start(spawner, recipe).await;
        let mut places = self.places.lock();
        if let Some(places) = places.as_mut() {
            match started {
                Ok(fresh) => places.insert(recipe.clone(), Place::Waiting(Box::new(fresh))),
                Err(_) => places.remove(recipe),
            };
        }
    }

    /// Marks the place for `recipe` as being filled. `false` when it is, or when there are to be no more spares.
    fn reserve(&self, recipe: &Recipe) -> bool {
        let mut places = self.places.lock();
        let Some(places) = places.as_mut() else { return false };
        let is_vacant = match places.get(recipe) {
            Some(Place::Waiting(fresh)) => !fresh.is_alive(),
            Some(Place::Starting) => false,
            None => true,
        };
        if is_vacant {
            places.insert(recipe.clone(), Place::Starting);
        }
        is_vacant
    }

    /// Ends all spares; there will be no more.
    pub fn close(&self) {
        let places = self.places.lock().take();
        drop(places);
    }
}
