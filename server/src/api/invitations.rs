//! Invitations to sign up, for administrators.

use app::portal::Accounts as _;
use http::StatusCode;
use model::account::{CreatedInvitation, Invitation, NewInvitation};
use model::page::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{Answer, Created, created};
use super::caller::SignedIn;
use super::extract::{Json, PageQuery, Path, Query};

/// Lists the invitations that can still be used, newest first. For administrators.
#[utoipa::path(get, path = "/invitations", tag = "Invitations", security(("token" = []), ("password" = [])),
    params(PageQuery), responses((status = 200, body = Page<Invitation>)))]
pub(super) async fn list_invitations(
    SignedIn(visit): SignedIn,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Page<Invitation>>> {
    Ok(Json(visit.invitations(page.into()).await?))
}

/// Creates an invitation for one person. For administrators, unless registration is closed.
///
/// Only this response contains its link.
#[utoipa::path(post, path = "/invitations", tag = "Invitations", security(("token" = []), ("password" = [])),
    responses((status = 201, body = CreatedInvitation)))]
pub(super) async fn create_invitation(
    SignedIn(visit): SignedIn,
    Json(form): Json<NewInvitation>,
) -> Answer<Created<CreatedInvitation>> {
    let made = visit.invite(form).await?;
    Ok(created(&format!("/invitations/{}", made.invitation.id), made))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct InvitationPath {
    /// The invitation's id.
    id: String,
}

/// Revokes an invitation. For administrators.
#[utoipa::path(delete, path = "/invitations/{id}", tag = "Invitations", security(("token" = []), ("password" = [])),
    params(InvitationPath), responses((status = 204, description = "Revoked.")))]
pub(super) async fn delete_invitation(SignedIn(visit): SignedIn, Path(at): Path<InvitationPath>) -> Answer<StatusCode> {
    visit.revoke_invitation(&at.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
