import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** Opens what chatd sealed for this device (protocol.md, "Sealed"), with nothing but what Android has since version 5. */
public final class SealedPayload {
    // Salt, size of a record, length of the key and the sender's key stand before the record (RFC 8188, 2.1).
    private static final int SALT = 16, HEAD = 21, POINT = 65, TAG = 16;

    private SealedPayload() {}

    /** Make the keys of this device. */
    public static KeyPair newKeys() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    /** Return a public key as devices.push takes it, before base64url: 65 bytes. */
    public static byte[] point(ECPublicKey key) {
        byte[] point = new byte[POINT];
        point[0] = 4;
        put(key.getW().getAffineX(), point, 1);
        put(key.getW().getAffineY(), point, 33);
        return point;
    }

    /** Return the JSON in a sealed payload. */
    public static byte[] open(byte[] sealed, PrivateKey ours, byte[] ourPoint, byte[] auth) throws GeneralSecurityException {
        if (sealed.length <= HEAD + POINT + TAG || sealed[HEAD - 1] != POINT) {
            throw new GeneralSecurityException("no sealed payload");
        }
        byte[] salt = Arrays.copyOf(sealed, SALT);
        byte[] theirs = Arrays.copyOfRange(sealed, HEAD, HEAD + POINT);
        ECPublicKeySpec spec = new ECPublicKeySpec(
            new ECPoint(new BigInteger(1, Arrays.copyOfRange(theirs, 1, 33)), new BigInteger(1, Arrays.copyOfRange(theirs, 33, 65))),
            ((java.security.interfaces.ECKey) ours).getParams());
        KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
        agreement.init(ours);
        agreement.doPhase(KeyFactory.getInstance("EC").generatePublic(spec), true);
        byte[] secret = hmac(hmac(auth, agreement.generateSecret()), "WebPush: info\0".getBytes(), ourPoint, theirs, new byte[] {1});
        byte[] random = hmac(salt, secret);
        byte[] key = hmac(random, "Content-Encoding: aes128gcm\0\1".getBytes());
        byte[] nonce = hmac(random, "Content-Encoding: nonce\0\1".getBytes());
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, 0, 16, "AES"), new GCMParameterSpec(8 * TAG, nonce, 0, 12));
        byte[] plain = cipher.doFinal(sealed, HEAD + POINT, sealed.length - HEAD - POINT);
        int end = plain.length - 1;
        while (end > 0 && plain[end] == 0) end--;
        if (plain[end] != 2) throw new GeneralSecurityException("not the last record");
        return Arrays.copyOf(plain, end);
    }

    private static byte[] hmac(byte[] key, byte[]... parts) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        for (byte[] part : parts) mac.update(part);
        return mac.doFinal();
    }

    private static void put(BigInteger number, byte[] point, int at) {
        byte[] bytes = number.toByteArray();
        int from = Math.max(0, bytes.length - 32);
        System.arraycopy(bytes, from, point, at + 32 - (bytes.length - from), bytes.length - from);
    }
}
