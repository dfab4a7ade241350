//! The tables as diesel sees them. A table's module is used only by the noun that owns it.
diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        password_hash -> Text,
        is_owner -> Bool,
        created_at -> Timestamptz,
        webhook_notices -> Bool,
        notices_seen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Bytea,
        user_id -> Nullable<Uuid>,
        state -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_failures (subject) {
        subject -> Text,
        failures -> Integer,
        last_failed_at -> Timestamptz,
    }
}

diesel::table! {
    setup_links (token_hash) {
        token_hash -> Bytea,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    projects (id) {
        id -> Uuid,
        name -> Text,
        public_key -> Text,
        webhooks_enabled -> Bool,
        allowed_hosts -> Array<Text>,
        settings_version -> BigInt,
        created_at -> Timestamptz,
        first_steps_dismissed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    members (project_id, user_id) {
        project_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        name -> Text,
        app_id -> Uuid,
        token_hash -> Bytea,
        token_hint -> Text,
        scopes -> Array<Text>,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    event_types (project_id, name) {
        project_id -> Uuid,
        name -> Text,
        description -> Text,
        sample -> Text,
        schema -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    webhooks (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        name -> Text,
        description -> Text,
        target_url -> Text,
        active -> Bool,
        disabled_kind -> Nullable<Text>,
        disabled_detail -> Nullable<Text>,
        disabled_at -> Nullable<Timestamptz>,
        all_events -> Bool,
        events -> Array<Text>,
        body -> Text,
        version -> Text,
        timeout_ms -> Integer,
        retries -> Text,
        success -> Text,
        when_used_up -> Text,
        rate_per_s -> Nullable<Integer>,
        preset -> Nullable<Text>,
        extra_signature -> Text,
        filter -> Nullable<Text>,
        when_paused -> Text,
        hold_from -> Nullable<Timestamptz>,
        hold_until -> Nullable<Timestamptz>,
        off_since -> Nullable<Timestamptz>,
        disabled_delivery -> Nullable<Uuid>,
        disabled_status -> Nullable<SmallInt>,
        in_maintenance -> Bool,
        is_draft -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_secrets (project_id, webhook_id, id) {
        project_id -> Uuid,
        webhook_id -> Uuid,
        id -> Uuid,
        sealed -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_credentials (project_id, webhook_id, id) {
        project_id -> Uuid,
        webhook_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        name -> Text,
        sealed -> Bytea,
        fingerprint -> Text,
        created_at -> Timestamptz,
        used_from -> Nullable<Timestamptz>,
        used_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sample_projects (project_id) {
        project_id -> Uuid,
        made_at -> Timestamptz,
        removal_began_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    events (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        event_type -> Text,
        external_id -> Nullable<Text>,
        entity_id -> Nullable<Text>,
        group_id -> Nullable<Text>,
        created_at -> Timestamptz,
        source -> Bytea,
        data -> Bytea,
        skipped -> Nullable<Text>,
        deliveries -> SmallInt,
        test -> Bool,
    }
}

diesel::table! {
    deliveries (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        event_id -> Uuid,
        webhook_id -> Uuid,
        event_type -> Text,
        status -> SmallInt,
        test -> Bool,
        due_at -> Nullable<Timestamptz>,
        claims -> Integer,
        claimed_by -> Nullable<Uuid>,
        attempt_count -> Integer,
        retries_used -> SmallInt,
        last_response_status -> Nullable<SmallInt>,
        last_failure_kind -> Nullable<SmallInt>,
        last_failure_detail -> Nullable<Text>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    attempts (project_id, delivery_id, number) {
        project_id -> Uuid,
        delivery_id -> Uuid,
        number -> Integer,
        started_at -> Timestamptz,
        duration_us -> Integer,
        url -> Text,
        address -> Nullable<Text>,
        request_headers -> Binary,
        body_format -> SmallInt,
        request_body -> Nullable<Bytea>,
        response_status -> Nullable<SmallInt>,
        response_headers -> Nullable<Binary>,
        response_body -> Nullable<Bytea>,
        response_truncated -> Bool,
        failure_kind -> Nullable<SmallInt>,
        failure_detail -> Nullable<Text>,
        dns_us -> Nullable<Integer>,
        connect_us -> Nullable<Integer>,
        tls_us -> Nullable<Integer>,
        first_byte_us -> Nullable<Integer>,
    }
}

diesel::table! {
    external_ids (project_id, external_id) {
        project_id -> Uuid,
        external_id -> Text,
        event_id -> Uuid,
        event_type -> Text,
        group_id -> Text,
        created_at -> Timestamptz,
        deliveries -> SmallInt,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    emptied_days (day) {
        day -> Date,
        looked_at -> Timestamptz,
        is_left -> Bool,
    }
}

diesel::table! {
    hand_overs (node, place) {
        node -> Uuid,
        place -> SmallInt,
        lease_ends -> Nullable<Timestamptz>,
        deliveries -> Nullable<Binary>,
    }
}

diesel::table! {
    webhook_pace (project_id, webhook_id) {
        project_id -> Uuid,
        webhook_id -> Uuid,
        slowed_at -> Timestamptz,
        failures -> Integer,
        failed_at -> Timestamptz,
        failure_kind -> SmallInt,
        failure_detail -> Text,
        next_at -> Timestamptz,
        at_a_time -> Integer,
        apart_ms -> Integer,
        stepped_back -> Bool,
    }
}

diesel::table! {
    webhook_rates (project_id, webhook_id) {
        project_id -> Uuid,
        webhook_id -> Uuid,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    unfinished_switches (project_id, webhook_id) {
        project_id -> Uuid,
        webhook_id -> Uuid,
        cancels_before -> Nullable<Uuid>,
    }
}

diesel::table! {
    missed_events (project_id, webhook_id) {
        project_id -> Uuid,
        webhook_id -> Uuid,
        next_id -> Uuid,
        until_id -> Uuid,
        begins_at -> Timestamptz,
    }
}

diesel::table! {
    notices (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        webhook_id -> Uuid,
        delivery_id -> Nullable<Uuid>,
        detail -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    replays (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        filter -> Nullable<Text>,
        newest_first -> Bool,
        skips_delivered -> Bool,
        rate_per_s -> Nullable<Integer>,
        stop_percent -> Nullable<SmallInt>,
        status -> SmallInt,
        changed_at -> Timestamptz,
        collected_until -> Nullable<Uuid>,
        is_collected -> Bool,
        counts -> Array<Integer>,
        at_a_time -> Integer,
        next_at -> Timestamptz,
        tried_before -> Integer,
        failed_before -> Integer,
        looked_until -> Nullable<Uuid>,
        look_at -> Nullable<Timestamptz>,
        events -> Nullable<Text>,
    }
}

diesel::table! {
    replay_items (project_id, replay_id, delivery_id) {
        project_id -> Uuid,
        replay_id -> Uuid,
        delivery_id -> Uuid,
        state -> SmallInt,
        event_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    resends (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        delivery_id -> Uuid,
        event_id -> Uuid,
        webhook_id -> Uuid,
        of_delivery_id -> Uuid,
        of_event_id -> Uuid,
        is_edited -> Bool,
        reason -> Text,
        user_id -> Nullable<Uuid>,
        api_key_id -> Nullable<Uuid>,
        by_name -> Text,
    }
}

diesel::table! {
    mask_rules (project_id, field) {
        project_id -> Uuid,
        field -> Text,
        kind -> Text,
    }
}

diesel::table! {
    reveals (project_id, user_id, id) {
        project_id -> Uuid,
        user_id -> Uuid,
        id -> Uuid,
        at -> Timestamptz,
        until -> Timestamptz,
        reason -> Text,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit (id) {
        id -> Uuid,
        at -> Timestamptz,
        user_id -> Nullable<Uuid>,
        project_id -> Nullable<Uuid>,
        action -> Text,
        subject -> Text,
        detail -> Text,
        once -> Nullable<Text>,
    }
}

diesel::table! {
    delivery_figures (project_id, grain, at, webhook_id) {
        project_id -> Uuid,
        grain -> Integer,
        at -> Timestamptz,
        webhook_id -> Uuid,
        delivered_first -> Integer,
        delivered_later -> Integer,
        failed -> Integer,
        attempts_taken -> Integer,
        attempts_failed -> Integer,
        times -> Array<Integer>,
    }
}

diesel::table! {
    failure_groups (project_id, id) {
        project_id -> Uuid,
        id -> Uuid,
        webhook_id -> Uuid,
        failure_kind -> SmallInt,
        response_status -> Nullable<SmallInt>,
        host -> Text,
        first_seen_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        last_delivery_id -> Uuid,
        known_at -> Nullable<Timestamptz>,
        known_by -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    failure_counts (project_id, grain, at, group_id) {
        project_id -> Uuid,
        grain -> Integer,
        at -> Timestamptz,
        group_id -> Uuid,
        attempts -> Integer,
        failed -> Integer,
    }
}

diesel::table! {
    counted_since (project_id) {
        project_id -> Uuid,
        at -> Timestamptz,
    }
}

diesel::table! {
    saved_views (project_id, user_id, id) {
        project_id -> Uuid,
        user_id -> Uuid,
        id -> Uuid,
        list -> Text,
        name -> Text,
        query -> Text,
    }
}

diesel::table! {
    hidden_views (project_id, user_id, list, word) {
        project_id -> Uuid,
        user_id -> Uuid,
        list -> Text,
        word -> Text,
    }
}

diesel::table! {
    delivery_notes (project_id, delivery_id, id) {
        project_id -> Uuid,
        delivery_id -> Uuid,
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        author -> Text,
        text -> Text,
    }
}

diesel::table! {
    search_progress (project_id) {
        project_id -> Uuid,
        known_from -> Uuid,
        known_to -> Uuid,
        is_whole -> Bool,
        is_full -> Bool,
        dropped_at -> Nullable<BigInt>,
        look_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    projects,
    members,
    api_keys,
    webhooks,
    webhook_secrets,
    events,
    deliveries,
    attempts,
);
