//! Which handlers there are just now, which can change while the emulator runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::settings::Routes;

/// The handlers there are just now. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct CurrentRoutes(Arc<RwLock<Arc<Routes>>>);

impl CurrentRoutes {
    /// Begins with these.
    pub fn new(routes: Routes) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(routes))))
    }

    /// Puts others in their place, for all events to come.
    pub fn replace(&self, routes: Routes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
    }

    pub(super) fn get(&self) -> Arc<Routes> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
