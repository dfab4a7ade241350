//! Whoever opens a page that everybody may read.
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::error::PageError;
use super::session::{SignedIn, whoever};
use super::{Frame, Section};

/// A person who may be signed in or not. Only a signed-in one costs a look into the database.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<SignedIn>);

impl Visitor {
    /// The frame of a public page: with the menu for who is signed in, with a bar at the top for everybody else.
    pub fn frame(&self, title: &str, section: Section) -> Frame {
        match &self.0 {
            Some(person) => person.frame(title, section),
            None => Frame::public(title, section),
        }
    }
}

impl FromRequest for Visitor {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let visitor = Self(whoever(&req).await?);
            // For the error page, should there be one: it is drawn outside the handler.
            req.extensions_mut().insert(visitor.frame("", Section::None));
            Ok(visitor)
        })
    }
}
