//! Changes of the members of groups.

use std::collections::BTreeMap;

use domesday_model::Excerpt;
use domesday_sources::scim::{Document, Filter, Member, MembersChange, ResourceKind, ScimErrorKind};
use domesday_store::ScimMember;
use serde_json::json;

use super::error::ScimFailure;
use super::reader::{MEMBERS_BATCH, parse_kind};
use super::writer::Writer;

impl Writer<'_> {
    /// Changes the members of a group, and marks the users that this affects. Returns whether anything changed.
    pub(super) fn change_members(&mut self, group: i64, change: MembersChange) -> Result<bool, ScimFailure> {
        match change {
            MembersChange::Add(members) => self.add_members(group, members),
            MembersChange::Replace(members) => self.replace_members(group, members),
            MembersChange::Remove(ids) => {
                let mut is_changed = false;
                for id in ids {
                    // Somebody who is gone already is no member.
                    if let Some((number, kind)) = self.find_member(&id)? {
                        is_changed |= self.remove_member(group, number, kind)?;
                    }
                }
                Ok(is_changed)
            }
            MembersChange::RemoveWhere(filter) => {
                let mut is_changed = false;
                for member in self.selected_members(group, &filter)? {
                    is_changed |= self.remove_member(group, member.number, parse_kind(&member.kind))?;
                }
                Ok(is_changed)
            }
            MembersChange::RemoveAll => self.replace_members(group, Vec::new()),
            MembersChange::SetDisplay(filter, display) => {
                let mut is_changed = false;
                for member in self.selected_members(group, &filter)? {
                    is_changed |= match &display {
                        Some(display) => {
                            self.reader.store.put_scim_member(group, member.number, Some(display))?.1
                        }
                        None => self.reader.store.clear_scim_display(group, member.number)?,
                    };
                }
                Ok(is_changed)
            }
        }
    }

    fn add_members(&mut self, group: i64, members: Vec<Member>) -> Result<bool, ScimFailure> {
        let mut is_changed = false;
        for member in members {
            let (number, kind) = self.known_member(&member.value)?;
            is_changed |= self.add_member(group, number, kind, member.display.as_deref())?;
        }
        Ok(is_changed)
    }

    fn add_member(
        &mut self,
        group: i64,
        number: i64,
        kind: ResourceKind,
        display: Option<&str>,
    ) -> Result<bool, ScimFailure> {
        let (is_new, is_changed) = self.reader.store.put_scim_member(group, number, display)?;
        if is_new {
            self.affect_member(number, kind)?;
        }
        Ok(is_changed)
    }

    fn replace_members(&mut self, group: i64, members: Vec<Member>) -> Result<bool, ScimFailure> {
        let mut wanted = BTreeMap::new();
        for member in members {
            let (number, kind) = self.known_member(&member.value)?;
            wanted.insert(number, (kind, member.display));
        }
        let (mut is_changed, mut after) = (false, i64::MIN);
        loop {
            let batch = self.reader.store.scim_members(group, after, MEMBERS_BATCH)?;
            let Some(last) = batch.last() else { break };
            after = last.number;
            for member in batch {
                match wanted.get(&member.number) {
                    None => {
                        is_changed |= self.remove_member(group, member.number, parse_kind(&member.kind))?;
                    }
                    Some((_, None)) => {
                        is_changed |= self.reader.store.clear_scim_display(group, member.number)?;
                    }
                    Some(_) => {}
                }
            }
        }
        for (number, (kind, display)) in wanted {
            is_changed |= self.add_member(group, number, kind, display.as_deref())?;
        }
        Ok(is_changed)
    }

    fn remove_member(&mut self, group: i64, number: i64, kind: ResourceKind) -> Result<bool, ScimFailure> {
        let was_member = self.reader.store.remove_scim_member(group, number)?;
        if was_member {
            self.affect_member(number, kind)?;
        }
        Ok(was_member)
    }

    fn affect_member(&mut self, number: i64, kind: ResourceKind) -> Result<(), ScimFailure> {
        match kind {
            ResourceKind::User => {
                self.affect(number);
                Ok(())
            }
            ResourceKind::Group => self.affect_members(number),
        }
    }

    /// Finds a user or group of the connection.
    fn find_member(&mut self, id: &str) -> Result<Option<(i64, ResourceKind)>, ScimFailure> {
        for kind in ResourceKind::ALL {
            if let Some(resource) = self.reader.look_up(kind, id)? {
                return Ok(Some((resource.number, kind)));
            }
        }
        Ok(None)
    }

    fn known_member(&mut self, id: &str) -> Result<(i64, ResourceKind), ScimFailure> {
        self.find_member(id)?.ok_or_else(|| {
            let detail = format!(
                "the member `{}` is no user or group of this connection; create it first",
                Excerpt(id)
            );
            ScimFailure::request(ScimErrorKind::InvalidValue, detail)
        })
    }

    /// Returns the members that a filter selects.
    fn selected_members(&mut self, group: i64, filter: &Filter) -> Result<Vec<ScimMember>, ScimFailure> {
        let (mut selected, mut after) = (Vec::new(), i64::MIN);
        loop {
            let batch = self.reader.store.scim_members(group, after, MEMBERS_BATCH)?;
            let Some(last) = batch.last() else { return Ok(selected) };
            after = last.number;
            selected.extend(batch.into_iter().filter(|member| filter.matches(&element(member))));
        }
    }
}

fn element(member: &ScimMember) -> Document {
    let mut element = Document::new();
    element.insert("value".to_owned(), json!(member.id));
    element.insert("type".to_owned(), json!(member.kind));
    if let Some(display) = &member.display {
        element.insert("display".to_owned(), json!(display));
    }
    element
}
