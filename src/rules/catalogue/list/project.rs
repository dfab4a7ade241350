//! Project webhooks: the types that the project settings offer, and four that only their own
//! reference pages name. Two of them also start distributions.
use super::EventType;
use crate::rules::catalogue::Family::{Distribution, Project};

event_types! { "project";
    group "business_validation_rule" in [Project] {
        published "business_validation_rule.assignment.created": "A validation rule now guards a voucher, a campaign or an earning rule.";
        published "business_validation_rule.assignment.deleted": "A validation rule no longer guards something.";
        published "business_validation_rule.created": "A validation rule was added.";
        published "business_validation_rule.deleted": "A validation rule was removed.";
        published "business_validation_rule.updated": "A validation rule was changed.";
    }
    group "campaign" in [Project] {
        published "campaign.created": "A campaign was added.";
        published "campaign.deleted": "A campaign was removed for good, with its codes.";
        published "campaign.disabled": "A campaign was switched off: its codes stop working.";
        published "campaign.enabled": "A campaign was switched on again.";
        published "campaign.updated": "A campaign was changed.";
    }
    group "campaign.earning_rule" in [Project] {
        designed "campaign.earning_rule.assigned": "An earning rule was added to a loyalty campaign.";
        designed "campaign.earning_rule.deleted": "An earning rule was removed from a loyalty campaign.";
        designed "campaign.earning_rule.disabled": "An earning rule was switched off.";
        designed "campaign.earning_rule.enabled": "An earning rule was switched on.";
        designed "campaign.earning_rule.updated": "An earning rule was changed.";
    }
    group "campaign.loyalty_tier" in [Project] {
        published "campaign.loyalty_tier.created": "A tier was added to a loyalty campaign.";
        published "campaign.loyalty_tier.deleted": "A tier was removed from a loyalty campaign.";
        published "campaign.loyalty_tier.updated": "A tier of a loyalty campaign was changed.";
    }
    group "campaign.promotion_stack" in [Project] {
        designed "campaign.promotion_stack.created": "Tiers of a promotion were combined into a stack.";
        designed "campaign.promotion_stack.updated": "A stack of promotion tiers was changed.";
    }
    group "campaign.promotion_tier" in [Project] {
        published "campaign.promotion_tier.created": "A tier was added to a promotion.";
        published "campaign.promotion_tier.deleted": "A tier was removed from a promotion.";
        published "campaign.promotion_tier.disabled": "A tier of a promotion was switched off.";
        published "campaign.promotion_tier.enabled": "A tier of a promotion was switched on again.";
        published "campaign.promotion_tier.updated": "A tier of a promotion was changed.";
    }
    group "campaign.referral_tier" in [Project] {
        designed "campaign.referral_tier.created": "A tier was added to a referral campaign.";
        designed "campaign.referral_tier.deleted": "A tier was removed from a referral campaign.";
        designed "campaign.referral_tier.updated": "A tier of a referral campaign was changed.";
    }
    group "campaign.reward.assignment" in [Project] {
        designed "campaign.reward.assignment.created": "A reward was put on offer in a loyalty campaign.";
        designed "campaign.reward.assignment.deleted": "A reward is no longer on offer in a loyalty campaign.";
        designed "campaign.reward.assignment.updated": "The price of a reward was changed.";
    }
    group "campaign.vouchers" in [Project] {
        designed "campaign.vouchers.added": "Codes were added to a campaign that exists.";
        published "campaign.vouchers.generation.completed": "A batch of codes is ready.";
        designed "campaign.vouchers.generation.failed": "The making of a batch of codes broke off; says how far it came.";
        designed "campaign.vouchers.generation.started": "The making of a batch of codes began.";
    }
    group "customer" in [Project] {
        published "customer.confirmed": "A customer confirmed who they are; an unconfirmed customer became a confirmed one.";
        published "customer.created": "A customer was added.";
        published "customer.updated": "A customer was changed; bulk changes and imports do not send it.";
        published "customer.deleted": "A customer was removed for good.";
    }
    group "customer" in [Project, Distribution] {
        published "customer.rewarded": "A customer got a reward, for points or for a referral.";
        published "customer.rewarded.loyalty_points": "An earning rule gave a customer points.";
    }
    group "publication" in [Project] {
        published "publication.succeeded": "A code was given to a customer; says which user of the console did it, if one did.";
    }
    group "redemption" in [Project] {
        published "redemption.succeeded": "A code or promotion was redeemed; a stack sends one each and one for the whole.";
        published "redemption.failed": "A code or promotion was refused; the redemption says why.";
        published "redemption.rollback.succeeded": "A redemption was taken back: the code works again.";
        published "redemption.rollback.failed": "A redemption could not be taken back: too old, or taken back before.";
    }
    group "voucher" in [Project] {
        published "voucher.created": "A single code was made; codes made in bulk do not send it.";
        published "voucher.deleted": "A code was removed for good.";
        published "voucher.disabled": "A code was switched off.";
        published "voucher.enabled": "A code was switched on again.";
        published "voucher.published": "A code was given to a customer.";
        published "voucher.updated": "A single code was changed; bulk changes do not send it.";
    }
    group "voucher.gift" in [Project] {
        published "voucher.gift.balance_added": "Credit was added to or taken from a gift card.";
        published "voucher.gift.transaction.created": "Credit on a gift card changed: added, removed, spent or refunded.";
    }
    group "voucher.loyalty_card" in [Project] {
        published "voucher.loyalty_card.pending_points.activated": "Points that were pending can be spent now.";
        published "voucher.loyalty_card.pending_points.added": "Points were earned that become usable later.";
        published "voucher.loyalty_card.pending_points.canceled": "Pending points were cancelled before they became usable.";
        published "voucher.loyalty_card.pending_points.updated": "The number of pending points was corrected.";
        published "voucher.loyalty_card.points_added": "Points were added to or taken from a card by hand or by a program.";
        published "voucher.loyalty_card.points_expired": "Points on a card expired.";
        published "voucher.loyalty_card.transaction.created": "Points on a card changed: earned, spent, refunded, expired or moved to another card.";
    }
    group "customer.holder.assignment" in [Project] {
        published "customer.holder.assignment.created": "A referral code got a further holder: owner, referrer or referee.";
        published "customer.holder.assignment.deleted": "Someone no longer holds a referral code.";
    }
    group "customer.reward_redemptions" in [Project] {
        published "customer.reward_redemptions.created": "A customer asked for a reward.";
        published "customer.reward_redemptions.pending": "A reward waits to be confirmed or handed over.";
    }
}
