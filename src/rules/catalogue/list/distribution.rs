//! Types that start a distribution. `customer.rewarded` and `customer.rewarded.loyalty_points` belong here too and
//! are listed in `project`.
use super::EventType;
use crate::rules::catalogue::Family::Distribution;

event_types! { "distribution";
    group "customer.custom_event" in [Distribution] {
        published "customer.custom_event": "A customer did something that you track as an event of your own.";
    }
    group "customer.loyalty.tier" in [Distribution] {
        published "customer.loyalty.tier.downgraded": "A customer fell to a lower tier.";
        published "customer.loyalty.tier.joined": "A customer reached a first tier of a loyalty campaign.";
        published "customer.loyalty.tier.left": "A customer no longer has any tier of a loyalty campaign.";
        published "customer.loyalty.tier.prolonged": "A customer keeps the tier for another period.";
        published "customer.loyalty.tier.upgraded": "A customer rose to a higher tier.";
    }
    group "customer.order" in [Distribution] {
        published "customer.order.canceled": "An order was cancelled.";
        published "customer.order.created": "A customer placed an order.";
        published "customer.order.paid": "An order was paid.";
        published "customer.order.updated": "An order was changed.";
    }
    group "customer.publication" in [Distribution] {
        published "customer.publication.succeeded": "A customer was given a code.";
    }
    group "customer.redemption" in [Distribution] {
        published "customer.redemption.rollback.succeeded": "A customer's redemption was taken back.";
        published "customer.redemption.succeeded": "A customer redeemed a code or promotion.";
    }
    group "customer.referred" in [Distribution] {
        published "customer.referred": "A customer came through a referral.";
    }
    group "customer.reward_redemptions" in [Distribution] {
        published "customer.reward_redemptions.completed": "A customer has received a reward.";
    }
    group "customer.segment" in [Distribution] {
        published "customer.segment.entered": "A customer came to fit a segment.";
        published "customer.segment.left": "A customer no longer fits a segment.";
    }
    group "customer.voucher.gift" in [Distribution] {
        published "customer.voucher.gift.balance_added": "Credit on a customer's gift card was adjusted.";
    }
    group "customer.voucher.loyalty_card" in [Distribution] {
        published "customer.voucher.loyalty_card.pending_points.activated": "A customer's pending points can be spent now.";
        published "customer.voucher.loyalty_card.pending_points.added": "A customer earned points that become usable later.";
        published "customer.voucher.loyalty_card.pending_points.canceled": "A customer's pending points were cancelled.";
        published "customer.voucher.loyalty_card.pending_points.updated": "A customer's pending points were corrected.";
        published "customer.voucher.loyalty_card.points_added": "Points on a customer's card were adjusted.";
        published "customer.voucher.loyalty_card.points_expired": "Points on a customer's card expired.";
    }
    group "manual_distribution" in [Distribution] {
        published "manual_distribution_schedule": "A message that was scheduled by hand goes out to a customer.";
    }
}
