-- Days whose bodies were emptied because their time was over, so that each is gone through once.
create table emptied_days (
    day date constraint emptied_days_pkey primary key,
    looked_at timestamptz not null,
    -- Some were still needed: it is looked at again.
    is_left boolean not null
);
