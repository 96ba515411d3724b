//! Writes the bytes of an upload as objects.

use std::sync::Arc;
use std::{io, mem};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use opendal::{Buffer, Operator};

use super::Source;
use crate::body::length_of;
use crate::ledger::Segment;
use crate::storage::{Lease, StorageError, Writer};

/// The size of a part, in bytes. Stores require 5 MiB, and allow 1 000 parts at least.
pub(super) const PART: usize = 8 << 20;
/// The number of parts that are sent at the same time. One more is being filled.
const PARTS: usize = 3;
/// The size of the largest object, in bytes. A longer upload becomes several objects.
pub(super) const LARGEST: u64 = 4 << 30;
/// Bytes up to this length are merged with small objects before them, into an object of at most this length.
pub(super) const MERGED: u64 = 16 << 20;

/// A writer to an object store.
pub(super) struct CloudWriter {
    source: Arc<Source>,
    operator: Operator,
    segments: Vec<Segment>,
    new_key: Box<dyn Fn() -> String + Send + Sync>,
    /// Bytes that have not been sent, less than [`PART`]. They are copied, because a client can send them one by one.
    waiting: BytesMut,
    open: Option<OpenObject>,
    _lease: Lease,
}

/// An object of which parts have been sent. It becomes visible when it is closed.
struct OpenObject {
    key: String,
    length: u64,
    writer: Option<opendal::Writer>,
}

impl Drop for OpenObject {
    /// Deletes the parts of an object that was not closed.
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        let key = mem::take(&mut self.key);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = writer.abort().await {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(key, error, "the parts of an unfinished object remain until the store deletes them");
                }
            });
        }
    }
}

impl CloudWriter {
    pub(super) fn new(
        source: Arc<Source>,
        operator: Operator,
        segments: Vec<Segment>,
        new_key: Box<dyn Fn() -> String + Send + Sync>,
        lease: Lease,
    ) -> Self {
        Self { source, operator, segments, new_key, waiting: BytesMut::new(), open: None, _lease: lease }
    }

    async fn begin(&self) -> Result<OpenObject, StorageError> {
        let key = (self.new_key)();
        let writer = self.operator.writer_with(&key).chunk(PART).concurrent(PARTS).await;
        let writer = writer.map_err(|error| self.source.failure(error, &key))?;
        Ok(OpenObject { key, length: 0, writer: Some(writer) })
    }

    /// Sends the bytes that are waiting as a part.
    async fn send(&mut self) -> Result<(), StorageError> {
        let part = self.waiting.split().freeze();
        let length = length_of(&part);
        let mut open = if let Some(open) = self.open.take() { open } else { self.begin().await? };
        // In a task of its own: a writer whose call is dropped half-way can no longer delete its parts.
        let sent = tokio::spawn(async move {
            let outcome = match &mut open.writer {
                Some(writer) => writer.write(part).await,
                None => Ok(()),
            };
            (open, outcome)
        });
        let (mut open, outcome) = sent.await.map_err(|error| StorageError::Failed(io::Error::other(error)))?;
        outcome.map_err(|error| self.source.failure(error, &open.key))?;
        open.length = open.length.saturating_add(length);
        let is_full = open.length >= LARGEST;
        self.open = Some(open);
        if is_full { self.close().await } else { Ok(()) }
    }

    /// Ends the object and checks its length.
    async fn close(&mut self) -> Result<(), StorageError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        if let Some(writer) = &mut open.writer {
            writer.close().await.map_err(|error| self.source.failure(error, &open.key))?;
        }
        open.writer = None;
        let (key, length) = (mem::take(&mut open.key), open.length);
        self.add(key, length).await
    }

    /// Writes a small object.
    async fn write_whole(&mut self, bytes: Vec<Bytes>, length: u64) -> Result<(), StorageError> {
        let key = (self.new_key)();
        self.operator.write(&key, Buffer::from(bytes)).await.map_err(|error| self.source.failure(error, &key))?;
        self.add(key, length).await
    }

    /// Adds an object that has been written. Stores may answer that a write has succeeded and still lose a part.
    async fn add(&mut self, key: String, length: u64) -> Result<(), StorageError> {
        let written = self.operator.stat(&key).await.map_err(|error| self.source.failure(error, &key))?;
        let written = written.content_length();
        if written != length {
            let reason = format!("{key} has {written} bytes after {length} were written");
            return Err(StorageError::Failed(io::Error::other(reason)));
        }
        self.segments.push(Segment { key, length });
        Ok(())
    }

    /// Takes the small objects at the end of the upload, which are written again together with `length` bytes.
    async fn take_small(&mut self, mut length: u64) -> Result<(Vec<Bytes>, u64), StorageError> {
        let mut before = Vec::new();
        while let Some(last) = self
            .segments
            .pop_if(|last| last.length <= length.saturating_mul(2) && last.length.saturating_add(length) <= MERGED)
        {
            let read = self.operator.read(&last.key).await.map_err(|error| self.source.failure(error, &last.key))?;
            let bytes = read.to_bytes();
            if length_of(&bytes) < last.length {
                return Err(StorageError::Missing(last.key));
            }
            // Only what was acknowledged.
            before.push(bytes.slice(..usize::try_from(last.length).unwrap_or(usize::MAX)));
            length = length.saturating_add(last.length);
        }
        before.reverse();
        Ok((before, length))
    }
}

#[async_trait]
impl Writer for CloudWriter {
    async fn write(&mut self, mut bytes: Bytes) -> Result<(), StorageError> {
        while self.waiting.len() + bytes.len() >= PART {
            let rest = bytes.split_off(PART - self.waiting.len());
            self.waiting.extend_from_slice(&bytes);
            self.send().await?;
            bytes = rest;
        }
        self.waiting.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Vec<Segment>, StorageError> {
        if self.open.is_some() {
            if !self.waiting.is_empty() {
                self.send().await?;
            }
            self.close().await?;
        } else if !self.waiting.is_empty() {
            let (mut bytes, length) = self.take_small(length_of(&self.waiting)).await?;
            bytes.push(self.waiting.split().freeze());
            self.write_whole(bytes, length).await?;
        }
        Ok(mem::take(&mut self.segments))
    }
}
