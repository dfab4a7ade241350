drop table hand_overs;
