//! The crews that serve under one configuration, one for each class there is
//! work for.
//!
//! When the configuration is read again, new sessions come to new crews.
//! Those who began before stay with the crews of before, whose rights are
//! those of their configuration; without spares these vanish with the last of
//! them.

use super::crew::Crew;
use super::narrow::Walls;
use crate::session::{Class, Service};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What crews serve, and behind which walls.
pub(super) struct Terms {
    pub(super) service: Arc<Service>,
    pub(super) walls: Arc<Walls>,
}

/// The crews.
pub(super) struct Crews {
    terms: Arc<Terms>,
    /// Those who greet.
    first: Arc<Crew>,
    /// Those that stay, the first among them.
    lasting: Vec<Arc<Crew>>,
    /// All but the first.
    others: Mutex<HashMap<Class, Weak<Crew>>>,
}

impl Crews {
    /// The crews that stay, with so many `spares` each.
    pub(super) fn new(service: Arc<Service>, walls: Arc<Walls>, spares: usize) -> Crews {
        let terms = Arc::new(Terms { service, walls });
        let first = Crew::new(terms.service.first_class(), spares, &terms);
        let mut lasting: Vec<_> = terms
            .service
            .anonymous_class()
            .filter(|class| *class != first.class)
            .map(|class| Crew::new(class, spares, &terms))
            .into_iter()
            .collect();
        let others = lasting
            .iter()
            .map(|crew| (crew.class.clone(), Arc::downgrade(crew)))
            .collect();
        lasting.push(Arc::clone(&first));
        Crews {
            terms,
            first,
            lasting,
            others: Mutex::new(others),
        }
    }

    /// Those who greet.
    pub(super) fn first(&self) -> &Arc<Crew> {
        &self.first
    }

    /// Those that stay.
    pub(super) fn lasting(&self) -> &[Arc<Crew>] {
        &self.lasting
    }

    /// The crew of a class.
    pub(super) fn of(&self, class: &Class) -> Arc<Crew> {
        if *class == self.first.class {
            return Arc::clone(&self.first);
        }
        // The map stays whole between any two statements.
        let mut crews = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(crew) = crews.get(class).and_then(Weak::upgrade) {
            return crew;
        }
        let crew = Crew::new(class.clone(), 0, &self.terms);
        crews.retain(|_, crew| crew.strong_count() > 0);
        crews.insert(class.clone(), Arc::downgrade(&crew));
        crew
    }

    /// No new session will come: idle workers may go.
    pub(super) fn retire(&self) {
        for crew in &self.lasting {
            crew.keep_no_spares();
        }
    }
}
