//! Limits on how often one caller may do something, with 429 and `Retry-After` beyond them. Each node counts on its own.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use model::fault::Fault;
use model::id::AccountId;
use store::access::Viewer;
use store::accounts::subscriber;

use crate::config::Config;

/// Something that callers may only do so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedAction {
    /// Send a request.
    Request,
    /// Sign up.
    SignUp,
    /// Post a comment.
    Comment,
    /// Create a repository.
    Repository,
}

/// Whom an action counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedCaller {
    /// An account.
    Account(AccountId),
    /// The part of a network address that one [subscriber] has; `None` if it is not known.
    Address(Option<IpAddr>),
}

impl LimitedCaller {
    /// The caller at this address.
    pub fn at(address: Option<IpAddr>) -> Self {
        Self::Address(address.map(subscriber))
    }

    /// The viewer's account, or the address of someone who is not signed in.
    pub fn of(viewer: &Viewer, address: Option<IpAddr>) -> Self {
        viewer.account().map_or_else(|| Self::at(address), |(account, _)| Self::Account(account))
    }
}

type Limiter = Option<DefaultKeyedRateLimiter<LimitedCaller>>;

/// The limits of this node.
pub struct RateLimits {
    requests: Limiter,
    sign_ups: Limiter,
    comments: Limiter,
    repositories: Limiter,
}

impl RateLimits {
    /// Creates the configured limits; 0 is no limit.
    pub fn new(config: &Config) -> Self {
        let limiter = |count: u32, quota: fn(NonZeroU32) -> Quota| {
            NonZeroU32::new(count).map(|count| RateLimiter::keyed(quota(count)))
        };
        Self {
            requests: limiter(config.requests_per_minute, Quota::per_minute),
            sign_ups: limiter(config.sign_ups_per_hour, Quota::per_hour),
            comments: limiter(config.comments_per_hour, Quota::per_hour),
            repositories: limiter(config.repositories_per_hour, Quota::per_hour),
        }
    }

    /// Whether requests are limited.
    pub const fn limits_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// Counts an action, or returns an error with the seconds to wait.
    pub fn check(&self, action: LimitedAction, caller: LimitedCaller) -> Result<(), Fault> {
        let limiter = match action {
            LimitedAction::Request => &self.requests,
            LimitedAction::SignUp => &self.sign_ups,
            LimitedAction::Comment => &self.comments,
            LimitedAction::Repository => &self.repositories,
        };
        let Some(limiter) = limiter else { return Ok(()) };
        limiter.check_key(&caller).map_err(|until| {
            let wait = until.wait_time_from(limiter.clock().now());
            Fault::too_many(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
        })
    }

    /// Forgets callers who have used nothing of their limits. Must be called regularly.
    pub fn tidy(&self) {
        for limiter in [&self.requests, &self.sign_ups, &self.comments, &self.repositories].into_iter().flatten() {
            limiter.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn limits(comments: &str) -> RateLimits {
        RateLimits::new(
            &Config::resolve(BTreeMap::from([("comments_per_hour", comments.to_owned())]), [], None).unwrap(),
        )
    }

    #[test]
    fn beyond_its_limit_a_caller_waits_and_others_do_not() {
        let limits = limits("3");
        let [ada, ben] = [1, 2].map(|id| LimitedCaller::Account(AccountId(id)));
        for _ in 0..3 {
            limits.check(LimitedAction::Comment, ada).unwrap();
        }
        let fault = limits.check(LimitedAction::Comment, ada).unwrap_err();
        assert!((1_100..=1_201).contains(&fault.retry_after.unwrap()), "{fault:?}");
        limits.check(LimitedAction::Comment, ben).unwrap();
        limits.tidy();
        assert!(limits.check(LimitedAction::Comment, ada).is_err());
    }

    #[test]
    fn zero_is_no_limit() {
        let limits = limits("0");
        for _ in 0..10_000 {
            limits.check(LimitedAction::Comment, LimitedCaller::at(None)).unwrap();
        }
    }

    #[test]
    fn a_subscriber_has_one_limit() {
        let at = |text: &str| LimitedCaller::at(Some(text.parse().unwrap()));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }
}
