-- A history of {n} events over {days} days up to {now_ms}, drawn so that the same number gives the same rows. Five projects
-- (the first has nine in ten), webhooks and types from very common to very rare, some only in the past; every status.
insert into projects (id, name, public_key, created_at)
select ('00000000-0000-7000-8000-' || lpad(to_hex(p), 12, '0'))::uuid, 'p' || p, 'k' || p, now() from generate_series(1, 5) p;

insert into webhooks (project_id, id, name, target_url, created_at, updated_at)
select ('00000000-0000-7000-8000-' || lpad(to_hex(p), 12, '0'))::uuid,
       ('00000000-0000-7000-8000-' || lpad(to_hex(p * 256 + w), 12, '0'))::uuid,
       'w' || w, 'https://receiver.example.com/webhooks/callout', now(), now()
from generate_series(1, 5) p, generate_series(1, 21) w where p = 1 or w <= 4;

create temporary table drawn as
select i, ms, age, p,
       ('00000000-0000-7000-8000-' || lpad(to_hex(p), 12, '0'))::uuid as project_id,
       (lpad(to_hex(ms), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid as id,
       case when p > 1 then 1 + r1 % 3
            when r1 < 3000 then 1 when r1 < 4500 then 2
            -- Rare; and one that has been silent for long.
            when r1 < 4505 then 20 when r1 < 4600 and age > {days} * 0.4 then 19
            else 3 + r1 % 16 end as w,
       case when r2 < 4000 then 'redemption.succeeded' when r2 < 6000 then 'customer.updated'
            when r2 < 6005 then 'campaign.deleted' when r2 < 6100 and age > {days} * 0.4 then 'voucher.archived'
            else 'family.type_' || r2 % 25 end as event_type,
       r3, to_timestamp(ms / 1000.0) as at
from (select i, {now_ms} - (({n} - i)::bigint * {days} * 86400000 / {n}) as ms,
             ({n} - i)::float * {days} / {n} as age, md5('e' || i) as h,
             case when r0 < 9000 then 1 when r0 < 9700 then 2 when r0 < 9900 then 3 when r0 < 9990 then 4 else 5 end as p,
             r1, r2, r3
      from (select i::bigint, abs(hashint8extended(i, 0) % 10000) as r0, abs(hashint8extended(i, 1) % 10000)::int as r1,
                   abs(hashint8extended(i, 2) % 10000) as r2, abs(hashint8extended(i, 3) % 100000) as r3
            from generate_series(1, {n}) i) a) b
order by i;

insert into events (project_id, id, event_type, external_id, entity_id, group_id, created_at, source, data, deliveries)
select project_id, id, event_type, 'order-' || i, 'cust_' || substr(md5(i::text), 1, 24),
       'v-' || md5('g' || i), at, '{"channel":"API","api_key":{"name":"shop","app_id":"00000000000000000000000000000000"}}',
       convert_to(rpad('{"id":"' || i || '","customer":{"email":"user' || i % 300000 || '@example.com","phone":"+351 9'
         || lpad((i * 7919 % 100000000)::text, 8, '0') || '"},"voucher":{"code":"SUMMER-' || upper(substr(md5('c' || i), 1, 8))
         || '","campaign":"Summer ' || i % 40 || '"},"currency":"EUR","text":"', 1100, 'lorem ipsum ') || '"}', 'UTF8'), 1
from drawn order by i;

insert into external_ids (project_id, external_id, event_id, event_type, group_id, created_at, deliveries, expires_at)
select project_id, 'order-' || i, id, event_type, 'v-' || md5('g' || i), at, 1, at + interval '7 days'
from drawn where age < 7;

-- A fourth of the events go to a second webhook.
create temporary table sent as
select d.*, (lpad(to_hex(ms), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid as delivery_id,
       case when k = 1 then w when p = 1 then 21 else 4 end as webhook,
       case when r3 < 97500 then 2 when r3 < 98500 then 4 when r3 < 99000 then 3 when r3 < 99300 then 5
            when r3 < 99600 then case when age > {days} * 0.4 then 6 else 2 end when r3 < 99620 then 1 when r3 < 99700 then 0 else 2 end
         as status
from (select d.*, k, md5('d' || i || '-' || k) as h from drawn d, generate_series(1, 2) k where k = 1 or i % 4 = 0) d
order by i, k;

insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, test, due_at, claims, claimed_by,
                        attempt_count, retries_used, last_response_status, last_failure_kind, last_failure_detail, ended_at)
select project_id, delivery_id, id, ('00000000-0000-7000-8000-' || lpad(to_hex(p * 256 + webhook), 12, '0'))::uuid, event_type,
       status, r3 between 70000 and 70004,
       -- Most retries are due later; a tenth of what waits is due now.
       case when status in (0, 1, 3) then to_timestamp({now_ms} / 1000.0)
              + case when i % 10 = 0 and status <> 1 then interval '-1 minute' else interval '1 hour' end end,
       case when status in (0, 5) then 0 else 1 end,
       case when status = 1 then '00000000-0000-7000-8000-0000000000ff'::uuid end,
       case when status in (2, 3, 4) then 1 else 0 end, case when status = 3 then 1 else 0 end,
       -- 404 is rare, 410 rare and long ago.
       case when status = 2 then 200 when status in (3, 4) then
         case when i % 50 = 1 then 404 when i % 50 = 2 and age > {days} * 0.4 then 410 when i % 5 = 0 then 503 when i % 5 < 4 then 500 end end,
       case when status in (3, 4) then case when i % 5 = 4 then 0 else 6 end end,
       case when status in (3, 4) then 'The receiver answered with an error.' end,
       case when status in (2, 4, 6) then at + interval '40 ms' end
from sent order by i, k;

insert into attempts (project_id, delivery_id, number, started_at, duration_us, url, address, request_headers, body_format,
                      response_status, response_headers, response_body, dns_us, connect_us, tls_us, first_byte_us)
select project_id, delivery_id, 1, at, 1200, 'https://receiver.example.com/webhooks/callout', '203.0.113.7:443',
       decode(repeat('0a', 70), 'hex'), 1, case when status = 2 then 200 else 500 end, decode(repeat('0b', 40), 'hex'),
       convert_to('{"received":true}', 'UTF8'), null, null, null, 1100
from sent where status in (2, 3, 4) order by i, k;

-- As autovacuum does: it never looks at what is only cut into parts.
do $$ declare one text; begin
  for one in select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname = 'public' loop execute 'analyze ' || one; end loop;
end $$;
