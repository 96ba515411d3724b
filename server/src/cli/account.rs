//! `portolan user …` and `portolan token …`: managing accounts, also while the server runs. They act as the site
//! itself.

use std::time::Duration;

use clap::{Args, Subcommand};
use model::account::{AccountKind, NewInvitation, SignUp};
use model::clock::Clock;
use model::token::{NewToken, TokenScope};
use store::access::{System, Viewer};

use crate::cli::password::Password;
use crate::cli::serve::open_store;
use crate::cli::settings::Settings;
use crate::cli::terminal::say;
use crate::cli::{Error, settings};

/// Commands for accounts.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Create an account; generates and prints a password unless one is given
    Add(Add),
    /// Create an invitation for one person and print its link, which is valid for a week
    Invite(Settings),
    /// List all accounts
    List(Settings),
    /// Disable an account: its password, sessions and tokens stop working
    Disable(NamedAccount),
    /// Enable a disabled account
    Enable(NamedAccount),
    /// Confirm that an account's mail address is its owner's, so that it can be used to sign in
    ConfirmEmail(NamedAccount),
    /// Set a new password and end all sessions; generates and prints one unless given
    ResetPassword(Reset),
}

/// A new account.
#[derive(Args, Debug)]
pub(super) struct Add {
    /// The account's name
    name: String,
    /// Its mail address
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// Make it an administrator of the site
    #[arg(long)]
    admin: bool,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    settings: Settings,
}

/// An account.
#[derive(Args, Debug)]
pub(super) struct NamedAccount {
    /// The account's name
    name: String,
    #[command(flatten)]
    settings: Settings,
}

/// An account and its new password.
#[derive(Args, Debug)]
pub(super) struct Reset {
    /// The account's name
    name: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Commands for personal access tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Create a personal access token and print it
    Create(Create),
}

/// A new token.
#[derive(Args, Debug)]
pub(super) struct Create {
    /// The account that it belongs to
    account: String,
    /// A label to recognise it by
    #[arg(long)]
    label: String,
    /// Limit it to a scope such as 'team/*:pull,push'; can be repeated (default: no limit)
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Expire it after this time, such as 90d or 12h (default: never)
    #[arg(long, value_name = "AGE", value_parser = settings::age)]
    expires: Option<Duration>,
    #[command(flatten)]
    settings: Settings,
}

/// Opens the store as the site itself.
async fn enter(given: &Settings) -> Result<(System, Viewer), Error> {
    let config = given.resolve()?;
    settings::log_trouble(&config);
    let system = open_store(&config, Clock::system()).await?.system;
    let operator = system.viewer("command line");
    Ok((system, operator))
}

/// Runs `portolan user …`.
pub(super) async fn user(command: User) -> Result<(), Error> {
    match command {
        User::Add(add) => {
            let (system, operator) = enter(&add.settings).await?;
            let password = Password::get(add.password_stdin)?;
            let form = SignUp { name: add.name, email: add.email, password: password.text.clone(), invitation: None };
            let account = system.store().create_account(&operator, &form, add.admin).await.map_err(Error::of_store)?;
            say(format_args!("Created the account {}.", account.name));
            tell(&password);
        }
        User::Invite(given) => {
            let config = given.resolve()?;
            let (system, operator) = enter(&given).await?;
            let (store, form) = (system.store(), NewInvitation::default());
            let (_, secret) = store.invite(&operator, &form, config.registration).await.map_err(Error::of_store)?;
            say(format_args!("{}/invites/{secret}", config.public_url));
        }
        User::List(given) => {
            let (system, operator) = enter(&given).await?;
            for entry in system.store().accounts(&operator).await.map_err(Error::of_store)? {
                let account = &entry.me.account;
                let kind = match account.kind {
                    AccountKind::Person if entry.me.admin => "administrator",
                    AccountKind::Person => "",
                    kind => kind.as_str(),
                };
                let state = entry.disabled_at.map(|since| format!("disabled since {since}")).unwrap_or_default();
                let address =
                    if entry.me.email.is_empty() || entry.me.email_confirmed { "" } else { "address not confirmed" };
                let notes =
                    [kind, address, &state].into_iter().filter(|note| !note.is_empty()).collect::<Vec<_>>().join(", ");
                let line = format!("{:<24} {:<32} {notes}", account.name.as_str(), entry.me.email);
                say(line.trim_end());
            }
        }
        User::Disable(named) => disable(&named, true).await?,
        User::Enable(named) => disable(&named, false).await?,
        User::ConfirmEmail(named) => {
            let (system, operator) = enter(&named.settings).await?;
            system.store().confirm_email(&operator, &named.name).await.map_err(Error::of_store)?;
            say(format_args!("{} can sign in with its mail address.", named.name));
        }
        User::ResetPassword(reset) => {
            let (system, operator) = enter(&reset.settings).await?;
            let password = Password::get(reset.password_stdin)?;
            system.store().reset_password(&operator, &reset.name, &password.text).await.map_err(Error::of_store)?;
            say(format_args!("{} has a new password, and its sessions have ended.", reset.name));
            tell(&password);
        }
    }
    Ok(())
}

async fn disable(named: &NamedAccount, disabled: bool) -> Result<(), Error> {
    let (system, operator) = enter(&named.settings).await?;
    system.store().disable_account(&operator, &named.name, disabled).await.map_err(Error::of_store)?;
    say(format_args!("{} is {}.", named.name, if disabled { "disabled" } else { "enabled" }));
    Ok(())
}

fn tell(password: &Password) {
    if password.made_up {
        say(format_args!("Password: {}", password.text));
    }
}

/// Runs `portolan token …`.
pub(super) async fn token(command: Token) -> Result<(), Error> {
    let Token::Create(create) = command;
    let scopes: Vec<TokenScope> = create
        .scope
        .iter()
        .map(|text| {
            text.parse().map_err(|fault: model::fault::Fault| Error::Input(app::reason::english(&fault.reason)))
        })
        .collect::<Result<_, _>>()?;
    let (system, _) = enter(&create.settings).await?;
    let store = system.store();
    let expires_at = create.expires.map(|age| store.clock().now().plus(age));
    let form = NewToken { label: create.label, scopes, expires_at };
    let owner = store.act_for(&system, &create.account).await.map_err(Error::of_store)?;
    let made = store.create_token(&owner, &form).await.map_err(Error::of_store)?;
    say(&made.secret);
    Ok(())
}
