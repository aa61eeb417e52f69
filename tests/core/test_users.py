from chatd.core.users import Account, DeviceSeen


def test_a_new_account_shows_receipts_and_has_nothing_revoked():
    account = Account("ann")
    assert (account.receipts, account.disabled, account.generation, account.revoked_before) == (
        True,
        False,
        0,
        0,
    )
    assert account.password is None


def test_a_new_device_is_listed():
    assert not DeviceSeen("ann", "d1").removed
