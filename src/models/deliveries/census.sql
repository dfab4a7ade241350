-- Times are compared to the millisecond: ids hold no more.
with tried as (
    select project_id, delivery_id, count(*) as attempts,
           bool_or(response_status between 200 and 299) as succeeded,
           min(started_at) as first_began,
           max(started_at + duration_us * interval '1 microsecond') as last_ended
    from attempts
    group by project_id, delivery_id
)
select count(*) as deliveries,
       count(*) filter (where d.status = 2) as delivered,
       count(*) filter (where d.status in (0, 1, 3)) as open,
       coalesce(sum(t.attempts), 0)::bigint as attempts,
       count(*) filter (where d.status = 2 and t.succeeded is not true) as without_success,
       count(*) filter (where coalesce(t.attempts, 0) < d.attempt_count) as without_attempts,
       count(*) filter (where t.first_began < to_timestamp(('x' || left(replace(d.id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) - interval '1 millisecond'
                           or d.ended_at < t.last_ended - interval '1 millisecond') as out_of_order
from deliveries d
left join tried t on t.project_id = d.project_id and t.delivery_id = d.id
where d.webhook_id <> all ($1)
